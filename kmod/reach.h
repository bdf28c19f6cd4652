/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_REACH_H
#define LC_REACH_H

#include <linux/types.h>

/**
 * struct lc_tally - what became of the choices of a backend
 * @answered: connections that it has answered
 * @dropped: choices whose connections were not recorded
 */
struct lc_tally {
	u32	answered;
	u32	dropped;
};

/**
 * struct lc_reach - does this host let the packets for a backend through?
 * @round: the round that @now is of
 * @now: in that round
 * @before: in the round before that
 *
 * The caller serializes the use.
 */
struct lc_reach {
	u32		round;
	struct lc_tally	now;
	struct lc_tally	before;
};

void lc_reach_begin(struct lc_reach *reach, u32 round);
void lc_reach_forget(struct lc_reach *reach);
void lc_reach_arrived(struct lc_reach *reach);
u32 lc_reach_missing(const struct lc_tally *own, const struct lc_tally *others);

#endif /* LC_REACH_H */
