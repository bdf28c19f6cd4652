// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is charged to the memory cgroup of the process that asks for it. */
#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mem.h"

atomic_t lc_mem_objects;

/* Up to this size memory.high is passed once at most, which does not throttle. */
#define LC_MEM_SMALL	(64 * 1024)

/**
 * lc_mem_zalloc() - allocate zeroed memory of any size
 * @size: bytes
 *
 * See lc_mem_gfp().
 *
 * Context: may sleep.
 * Return: the memory, for kvfree(), or NULL.
 */
void *lc_mem_zalloc(size_t size)
{
	void *memory;

	if (size <= LC_MEM_SMALL)
		return kvzalloc(size, lc_mem_gfp());
	memory = __vmalloc(size, GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN |
				 __GFP_ZERO);
	if (memory || lc_mem_is_over_high())
		return memory;
	return kvzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

/**
 * lc_mem_exit() - the module unloads: every object must have been freed
 *
 * Context: process, after all namespaces have ended.
 */
void lc_mem_exit(void)
{
	WARN(atomic_read(&lc_mem_objects), "LEASTCONN: %d objects leaked\n",
	     atomic_read(&lc_mem_objects));
}
