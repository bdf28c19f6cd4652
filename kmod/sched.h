/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SCHED_H
#define LC_SCHED_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "select.h"

/**
 * struct lc_sched - the scheduler of a pool
 * @lock: protects @tournament and the slow starts. Taken inside locks of records
 * @n_ramping: how many dests are in @ramping
 * @n_to_advance: how many of them this round has not advanced yet
 * @tournament: chooses among the slots of the dests
 * @ramping: dests that are in slow start or paced; the one that was advanced longest ago
 *	comes first
 * @next_round: jiffies when the next round may begin
 * @first_free: no slot with a lower index is free. Only for callers that add and delete
 *	dests, which are serialized
 */
struct lc_sched {
	spinlock_t		lock;	/* tournament, slow starts */
	unsigned int		n_ramping;
	unsigned int		n_to_advance;
	struct lc_tournament	tournament;
	struct list_head	ramping;
	u64			next_round;
	unsigned int		first_free;
};

/**
 * struct lc_terms - the settings of a backend in a pool
 * @max_conns: the largest number of connections; 0: no limit
 * @weight: its weight, 0 to 65535
 * @backup: used only if no ordinary backend can take the connection
 * @trial: it is on trial, and @max_conns is the limit for that; false where the user's
 *	settings are kept
 * @paced: it gets no more connections than its share; as @trial
 */
struct lc_terms {
	u32	max_conns;
	u16	weight;
	bool	backup : 1;
	bool	trial : 1;
	bool	paced : 1;
};

/**
 * struct lc_ramp - a slow start
 * @since: jiffies when it began
 * @span: jiffies that it takes; 0: no slow start
 */
struct lc_ramp {
	u64	since;
	u32	span;
};

/**
 * struct lc_sched_dest - a backend's place in a scheduler
 * @sched: the scheduler; constant
 * @ramp: its slow start; lc_sched.lock
 * @ramping: in lc_sched.ramping during the slow start, and while it is paced
 * @index: the index of its slot, while @has_slot
 * @has_slot: the slot belongs to this dest; lc_sched.lock
 * @node: in a list of the dests that have the same load; the owner of the list says how
 *	it is locked
 */
struct lc_sched_dest {
	struct lc_sched		*sched;
	struct lc_ramp		ramp;
	struct list_head	ramping;
	unsigned int		index;
	bool			has_slot;
	struct hlist_node	node;
};

int lc_sched_init(struct lc_sched *sched, unsigned int size);
void lc_sched_exit(struct lc_sched *sched);
int lc_sched_reserve(struct lc_sched *sched);
void lc_sched_advance(struct lc_sched *sched);

void lc_sched_dest_add(struct lc_sched_dest *dest, struct lc_sched *sched,
		       const struct lc_conns *conns);
void lc_sched_dest_del(struct lc_sched_dest *dest);
void lc_sched_dest_set(struct lc_sched_dest *dest, const struct lc_terms *terms,
		       const struct lc_ramp *ramp);
void lc_sched_dest_update(struct lc_sched_dest *dest);

#endif /* LC_SCHED_H */
