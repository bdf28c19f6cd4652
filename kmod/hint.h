/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HINT_H
#define LC_HINT_H

#include <linux/percpu.h>
#include <linux/rcupdate.h>

struct lc_backend;

DECLARE_PER_CPU(struct lc_backend __rcu *, lc_hint);

/**
 * lc_hint_get() - the backend that this processor chose last
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend of any namespace, valid until the read section ends, or NULL.
 */
static inline struct lc_backend *lc_hint_get(void)
{
	return rcu_dereference(*raw_cpu_ptr(&lc_hint));
}

/**
 * lc_hint_set() - remember the backend that this processor has chosen
 * @backend: the backend; a pool still lists it
 *
 * Context: preemption off, under the lock of the pool's scheduler. A backend is removed
 *	from the scheduler before lc_hint_forget(), so no hint is set after that.
 */
static inline void lc_hint_set(struct lc_backend *backend)
{
	rcu_assign_pointer(*raw_cpu_ptr(&lc_hint), backend);
}

void lc_hint_forget(const struct lc_backend *backend);

#endif /* LC_HINT_H */
