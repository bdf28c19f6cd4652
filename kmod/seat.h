/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SEAT_H
#define LC_SEAT_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "select.h"

/**
 * struct lc_arena - a tournament that processors share
 * @lock: @tournament. Taken inside records' locks
 * @tournament: the choice among the seats
 * @vacant: no slot before this one is free; who changes seats, alone
 */
struct lc_arena {
	spinlock_t		lock;	/* tournament */
	struct lc_tournament	tournament;
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
 * struct lc_seat - somebody's place in an arena
 * @arena: constant
 * @at: its slot, while @taken
 * @taken: the slot is ours; lc_arena.lock
 * @node: in a list of who has the same load; whose list, says how it is locked
 */
struct lc_seat {
	struct lc_arena		*arena;
	unsigned int		at;
	bool			taken;
	struct hlist_node	node;
};

int lc_arena_init(struct lc_arena *arena, unsigned int size);
void lc_arena_exit(struct lc_arena *arena);
int lc_arena_reserve(struct lc_arena *arena);

void lc_seat_take(struct lc_seat *seat, struct lc_arena *arena,
		  const atomic_t *active);
void lc_seat_leave(struct lc_seat *seat);
void lc_seat_set(struct lc_seat *seat, const struct lc_terms *terms, u8 ramp);
void lc_seat_update(struct lc_seat *seat);

#endif /* LC_SEAT_H */
