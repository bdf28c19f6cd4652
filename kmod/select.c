// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice: loads and weights in, index out.
 *
 * The slot with the least (active + 1) / weight takes the connection: the load
 * it would have with it. a / v < b / w is tested as a * w < b * v, in 64 bit:
 * (2^32) * 65535 fits, and nothing is divided.
 *
 * The scan starts where the caller says and only a smaller quotient replaces
 * the best so far, so among equals the first from there on wins. A caller that
 * starts one past the last winner makes ties go round in turn.
 *
 * No lock, no packet, no connection: this file is also built in user space.
 */
#include "select.h"

/* A load that reads below zero is a race of two counters' updates: idle. */
static u32 slot_load(const struct lc_slot *slot)
{
	int active = atomic_read(slot->active);

	return active > 0 ? active : 0;
}

static bool slot_takes(const struct lc_slot *slot, u32 load, bool backup)
{
	if (slot->backup != backup || !slot->weight)
		return false;
	return !slot->max_conns || load < slot->max_conns;
}

static int scan(const struct lc_slot *slots, unsigned int count,
		unsigned int start, bool backup)
{
	unsigned int i, at = start;
	u64 best_load = 0;
	int best = -1;

	for (i = 0; i < count; i++, at++) {
		const struct lc_slot *slot;
		u32 load;

		if (at >= count)
			at = 0;
		slot = &slots[at];
		load = slot_load(slot);
		if (!slot_takes(slot, load, backup))
			continue;
		if (best >= 0 && (load + 1ULL) * slots[best].weight >=
				 best_load * slot->weight)
			continue;
		best = at;
		best_load = load + 1ULL;
	}
	return best;
}

/**
 * lc_select() - the slot that takes the next connection
 * @slots: the slots of a pool
 * @count: how many, at least one
 * @start: where ties are first looked for, below @count
 *
 * Context: any. The caller keeps the counters alive.
 * Return: an index into @slots, or -1 when none can take a connection.
 */
int lc_select(const struct lc_slot *slots, unsigned int count,
	      unsigned int start)
{
	int best = scan(slots, count, start, false);

	return best >= 0 ? best : scan(slots, count, start, true);
}
