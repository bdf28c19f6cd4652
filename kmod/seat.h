/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SEAT_H
#define LC_SEAT_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "select.h"

/**
 * struct lc_arena - a tournament that processors share
 * @lock: @tournament and slow start. Taken inside records' locks
 * @n_ramping: seats in @ramping
 * @n_behind: of them, those that this round has not come to yet
 * @tournament: the choice among the seats
 * @ramping: seats in their slow start; the first one was advanced longest ago
 * @next_round: jiffies, when the next round may begin
 * @vacant: no slot before this one is free; who changes seats, alone
 */
struct lc_arena {
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
 * struct lc_seat - somebody's place in an arena
 * @arena: constant
 * @ramp: its slow start; lc_arena.lock
 * @ramping: in lc_arena.ramping until its slow start is over
 * @at: its slot, while @taken
 * @taken: the slot is ours; lc_arena.lock
 * @node: in a list of who has the same load; whose list, says how it is locked
 */
struct lc_seat {
	struct lc_arena		*arena;
	struct lc_ramp		ramp;
	struct list_head	ramping;
	unsigned int		at;
	bool			taken;
	struct hlist_node	node;
};

int lc_arena_init(struct lc_arena *arena, unsigned int size);
void lc_arena_exit(struct lc_arena *arena);
int lc_arena_reserve(struct lc_arena *arena);
void lc_arena_advance(struct lc_arena *arena);

void lc_seat_take(struct lc_seat *seat, struct lc_arena *arena,
		  const atomic_t *active);
void lc_seat_leave(struct lc_seat *seat);
void lc_seat_set(struct lc_seat *seat, const struct lc_terms *terms,
		 const struct lc_ramp *ramp);
void lc_seat_update(struct lc_seat *seat);

#endif /* LC_SEAT_H */
