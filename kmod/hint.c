// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend that each processor chose last.
 *
 * The next connection that this processor records is most likely a connection to
 * that backend, which then need not be looked up. Packets of all namespaces read
 * these pointers under RCU, so a backend is removed from them before it is freed.
 */
#include <linux/cpumask.h>

#include "hint.h"

DEFINE_PER_CPU(struct lc_backend __rcu *, lc_hint);

/**
 * lc_hint_forget() - remove a backend from the hints of all processors
 * @backend: the backend; no pool lists it, so no processor can choose it again
 *
 * Context: process.
 */
void lc_hint_forget(const struct lc_backend *backend)
{
	struct lc_backend __rcu **hint;
	int cpu;

	for_each_possible_cpu(cpu) {
		hint = per_cpu_ptr(&lc_hint, cpu);
		if (rcu_access_pointer(*hint) == backend)
			RCU_INIT_POINTER(*hint, NULL);
	}
}
