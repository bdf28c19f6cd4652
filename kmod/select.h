/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SELECT_H
#define LC_SELECT_H

#include <linux/atomic.h>
#include <linux/types.h>

/** LC_SLOTS - most slots of a tournament */
#define LC_SLOTS	65535U

/**
 * struct lc_slot - one backend as a pool sees it
 * @active: live connections of the backend, shared by all pools that use it
 * @max_conns: takes no connection while @active is not below; 0: no cap
 * @weight: share of the backend in this pool, 0 to 65535; 0: takes none
 * @backup: chosen only when no ordinary slot can take the connection
 * @ramp: as if the weight were @ramp / 256 of what it is, 1 to 255; 0: all of it
 * @load: @active when the tournament last looked
 * @turn: the tournament's turn when the slot was last chosen
 * @rank: (@load + 1) * 2^32 / @weight, by @ramp more; the top bit is set in a backup's; all
 *	bits are set when the slot can take no connection
 */
struct lc_slot {
	const atomic_t	*active;
	u32		max_conns;
	u16		weight;
	bool		backup;
	u8		ramp;

	u32		load;
	u32		turn;
	u64		rank;
};

/**
 * struct lc_tournament - the slots of a pool, the best one on top
 * @slots: all of them, and some without @active, up to @width
 * @winners: of each pair, 2 * @width; [1] is the winner of all, [@width + i] is
 *	slot i
 * @width: leaves of the tree, a power of two
 * @last: who was chosen last, and has one connection more by now
 * @turn: choices so far
 */
struct lc_tournament {
	struct lc_slot	*slots;
	struct lc_slot	**winners;
	unsigned int	width;
	unsigned int	last;
	u32		turn;
};

size_t lc_tournament_size(unsigned int count);
void lc_tournament_init(struct lc_tournament *tournament, void *memory,
			unsigned int count);
void *lc_tournament_grow(struct lc_tournament *tournament, void *memory,
			 unsigned int count);
void lc_tournament_update(struct lc_tournament *tournament, unsigned int at);
void lc_tournament_enter(struct lc_tournament *tournament, unsigned int at,
			 const atomic_t *active);
void lc_tournament_leave(struct lc_tournament *tournament, unsigned int at);
int lc_tournament_choose(struct lc_tournament *tournament);
bool lc_tournament_take(struct lc_tournament *tournament, unsigned int at);
int lc_tournament_choose_other(struct lc_tournament *tournament,
			       unsigned int at);

#endif /* LC_SELECT_H */
