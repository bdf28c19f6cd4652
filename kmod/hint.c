// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each processor chose last.
 *
 * The next connection that this processor records is most likely a connection to
 * that backend, which then need not be looked up. Packets of all namespaces read
 * these pointers under RCU, so a backend is removed from them before it is freed.
 */
#include <linux/cpumask.h>

#include "hint.h"

DEFINE_PER_CPU(struct lc_hint, lc_hint);

/**
 * lc_hint_peek() - what has a processor chosen for a connection that is not recorded?
 * @hint: the processor's
 * @choice: receives the choice. If the processor chooses again at this moment, it may be
 *	half of that one
 *
 * Context: any, under rcu_read_lock().
 * Return: jiffies since the choice; 0: there is none.
 */
u32 lc_hint_peek(const struct lc_hint *hint, struct lc_choice *choice)
{
	u32 when = READ_ONCE(hint->when);

	*choice = (struct lc_choice) {
		.backend	= rcu_dereference(hint->backend),
		.hash		= READ_ONCE(hint->hash),
		.client		= READ_ONCE(hint->client),
		.origin		= READ_ONCE(hint->origin),
	};
	return choice->backend && choice->origin ? (u32)jiffies - when : 0;
}

/**
 * lc_hint_take_from() - lc_hint_take() of a processor's hint
 * @hint: the processor's
 * @hash: of the key of the connection's record
 *
 * Context: any.
 * Return: as lc_hint_take().
 */
u16 lc_hint_take_from(struct lc_hint *hint, u32 hash)
{
	if (READ_ONCE(hint->hash) != hash || !READ_ONCE(hint->origin))
		return 0;
	return xchg(&hint->origin, 0);
}

/**
 * lc_hint_take_elsewhere() - lc_hint_take() of the other processors' hints
 * @hash: of the key of the connection's record
 *
 * The packet has gone to this processor after the choice (NFQUEUE). If the other one
 * chooses again at this moment, that choice may be forgotten.
 *
 * Context: any.
 * Return: as lc_hint_take().
 */
u16 lc_hint_take_elsewhere(u32 hash)
{
	u16 origin;
	int cpu;

	for_each_online_cpu(cpu) {
		origin = lc_hint_take_from(per_cpu_ptr(&lc_hint, cpu), hash);
		if (origin)
			return origin;
	}
	return 0;
}

/**
 * lc_hint_forget_if() - remove backends from the hints of all processors
 * @match: is it one of them? Called under rcu_read_lock()
 * @data: for @match
 *
 * Context: process. No processor can choose one of them again.
 */
void lc_hint_forget_if(bool (*match)(const struct lc_backend *backend,
				     const void *data),
		       const void *data)
{
	struct lc_backend *backend;
	struct lc_hint *hint;
	int cpu;

	rcu_read_lock();
	for_each_possible_cpu(cpu) {
		hint = per_cpu_ptr(&lc_hint, cpu);
		backend = rcu_dereference(hint->backend);
		if (backend && match(backend, data))
			RCU_INIT_POINTER(hint->backend, NULL);
	}
	rcu_read_unlock();
}

static bool is_same(const struct lc_backend *backend, const void *other)
{
	return backend == other;
}

/**
 * lc_hint_forget() - remove a backend from the hints of all processors
 * @backend: the backend; no pool lists it, so no processor can choose it again
 *
 * Context: process.
 */
void lc_hint_forget(const struct lc_backend *backend)
{
	lc_hint_forget_if(is_same, backend);
}
