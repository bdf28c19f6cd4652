/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_MEM_H
#define LC_MEM_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/types.h>

/**
 * lc_mem_is_over_high() - has a charge of this process passed memory.high?
 *
 * Of its memory cgroup, since the process entered the kernel. A charge that failed does
 * not count, and one that was throttled clears it.
 *
 * It is throttled when it returns to user space. A charge that may block would be
 * throttled at once, for two seconds each time.
 *
 * Context: process.
 * Return: true if it has, since it entered the kernel.
 */
static inline bool lc_mem_is_over_high(void)
{
#ifdef CONFIG_MEMCG
	return current->memcg_nr_pages_over_high;
#else
	return false;
#endif
}

/**
 * lc_mem_gfp() - flags for small memory that is charged to this process
 *
 * Commands allocate while generic netlink, which all namespaces share, waits for them,
 * and while lc_backends.lock is held. So they must not be throttled there, nor wait until
 * the OOM killer has killed another process, which may itself be waiting for that lock.
 *
 * Context: process.
 * Return: the flags; the memory may be missing, without a warning.
 */
static inline gfp_t lc_mem_gfp(void)
{
	return (lc_mem_is_over_high() ? GFP_NOWAIT : GFP_KERNEL) |
	       __GFP_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN;
}

extern atomic_t lc_mem_objects;

/**
 * lc_mem_count_alloc() - a pool, member or backend has been allocated
 *
 * These objects are counted, because their last users are in several files.
 *
 * Context: any.
 */
static inline void lc_mem_count_alloc(void)
{
	atomic_inc(&lc_mem_objects);
}

/**
 * lc_mem_count_free() - a pool, member or backend has been freed, or given to RCU
 *
 * Context: any.
 */
static inline void lc_mem_count_free(void)
{
	atomic_dec(&lc_mem_objects);
}

void *lc_mem_zalloc(size_t size);
void lc_mem_exit(void);

#endif /* LC_MEM_H */
