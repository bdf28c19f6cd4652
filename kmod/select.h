/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SELECT_H
#define LC_SELECT_H

#include <linux/atomic.h>
#include <linux/types.h>

/** LC_SLOTS - the largest number of slots of a tournament */
#define LC_SLOTS	65535U

/** LC_OTHERS - how many slots lc_tournament_choose_other() passes over at most */
#define LC_OTHERS	3U

/**
 * struct lc_conns - the connections of a backend
 * @active: the load: those that live
 * @exempt: those of them that do not count towards a limit
 * @held: those of @exempt that count towards the limit of a trial
 */
struct lc_conns {
	atomic_t	active;
	atomic_t	exempt;
	atomic_t	held;
};

/**
 * struct lc_slot - a backend in the tournament of a pool
 * @conns: the backend's connections, in all pools; NULL: the slot is free
 * @max_conns: the slot can take a connection only while fewer are active and not exempt;
 *	0: no limit
 * @weight: the backend's weight in this pool, 0 to 65535; 0: it takes no connection
 * @backup: chosen only if no ordinary slot can take the connection
 * @trial: @max_conns is the limit of a trial
 * @paced: of as many choices as there are slots, one at most is this slot, unless no other
 *	can take the connection
 * @ramp: slow start: 1 to 255: the weight counts as @ramp / 256 of itself; 0: fully
 * @load: lc_conns.active when the rank was last computed
 * @turn: lc_tournament.turn when the slot was last chosen
 * @rank: (@load + 1) * 2^32 / @weight, with the weight reduced by @ramp; the lowest rank
 *	wins. The highest one if the slot is @paced and has to wait. The top bit is set for a
 *	backup. All bits are set if the slot can take no connection
 */
struct lc_slot {
	const struct lc_conns *conns;
	u32		max_conns;
	u16		weight;
	bool		backup : 1;
	bool		trial : 1;
	bool		paced : 1;
	u8		ramp;

	u32		load;
	u32		turn;
	u64		rank;
};

/**
 * struct lc_tournament - chooses among the slots of a pool
 * @slots: @width slots; those without @conns are free
 * @winners: the tree, 2 * @width nodes: [@width + i] is slot i, each other node [n] is
 *	the better one of [2 * n] and [2 * n + 1], and [1] is the best slot of all
 * @width: number of leaves, a power of two
 * @last: index of the slot that was chosen last; its load has probably grown since
 * @turn: counts choices
 * @n_used: how many slots are not free
 */
struct lc_tournament {
	struct lc_slot	*slots;
	struct lc_slot	**winners;
	unsigned int	width;
	unsigned int	last;
	u32		turn;
	unsigned int	n_used;
};

size_t lc_tournament_size(unsigned int count);
void lc_tournament_init(struct lc_tournament *tournament, void *memory,
			unsigned int count);
void *lc_tournament_grow(struct lc_tournament *tournament, void *memory,
			 unsigned int count);
void lc_tournament_update(struct lc_tournament *tournament, unsigned int index);
void lc_tournament_add(struct lc_tournament *tournament, unsigned int index,
		       const struct lc_conns *conns);
void lc_tournament_del(struct lc_tournament *tournament, unsigned int index);
int lc_tournament_choose(struct lc_tournament *tournament);
bool lc_tournament_take(struct lc_tournament *tournament, unsigned int index);
int lc_tournament_choose_other(struct lc_tournament *tournament,
			       const int *indexes, unsigned int n);

#endif /* LC_SELECT_H */
