/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SCHED_H
#define LC_SCHED_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "select.h"

/**
 * struct lc_sched - a tournament that processors share
 * @lock: @tournament and slow start. Taken inside records' locks
 * @n_ramping: seats in @ramping
 * @n_behind: of them, those that this round has not come to yet
 * @tournament: the choice among the seats
 * @ramping: seats in their slow start; the first one was advanced longest ago
 * @next_round: jiffies, when the next round may begin
 * @vacant: no slot before this one is free; who changes seats, alone
 */
struct lc_sched {
	spinlock_t		lock;	/* tournament, slow start */
	unsigned int		n_ramping;
	unsigned int		n_behind;
	struct lc_tournament	tournament;
	struct list_head	ramping;
	u64			next_round;
	unsigned int		vacant;
};

/**
 * struct lc_terms - what a pool wants of a backend
 * @max_conns: its cap, 0: none
 * @weight: its share, 0 to 65535
 * @backup: only when no ordinary backend can take the connection
 */
struct lc_terms {
	u32	max_conns;
	u16	weight;
	bool	backup;
};

/**
 * struct lc_ramp - a slow start
 * @since: jiffies when it began
 * @span: jiffies that it takes; 0: there is none
 */
struct lc_ramp {
	u64	since;
	u32	span;
};

/**
 * struct lc_sched_dest - somebody's place in an sched
 * @sched: constant
 * @ramp: its slow start; lc_sched.lock
 * @ramping: in lc_sched.ramping until its slow start is over
 * @at: its slot, while @taken
 * @taken: the slot is ours; lc_sched.lock
 * @node: in a list of who has the same load; whose list, says how it is locked
 */
struct lc_sched_dest {
	struct lc_sched		*sched;
	struct lc_ramp		ramp;
	struct list_head	ramping;
	unsigned int		at;
	bool			taken;
	struct hlist_node	node;
};

int lc_sched_init(struct lc_sched *sched, unsigned int size);
void lc_sched_exit(struct lc_sched *sched);
int lc_sched_reserve(struct lc_sched *sched);
void lc_sched_advance(struct lc_sched *sched);

void lc_sched_dest_add(struct lc_sched_dest *dest, struct lc_sched *sched,
		       const atomic_t *active);
void lc_sched_dest_del(struct lc_sched_dest *dest);
void lc_sched_dest_set(struct lc_sched_dest *dest, const struct lc_terms *terms,
		       const struct lc_ramp *ramp);
void lc_sched_dest_update(struct lc_sched_dest *dest);

#endif /* LC_SCHED_H */
