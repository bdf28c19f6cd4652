// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reach: does this host let the packets for a backend through?
 *
 * A filter of this host may drop all packets for a backend, and it may drop packets of some
 * clients, whichever backend they are for: those from forged addresses, or all for a
 * moment. So a backend is compared with the others of its pools. If the drops do not depend
 * on the backend, then each answered connection had the same chance as each dropped choice
 * to be its own. With n choices of its own, all dropped, A answers of others, and D of their
 * choices dropped, the chance that no answer is its own is
 *
 *	(1 - n / (A + D + n))^A, less than e^-m with m = A * n / (A + D + n)
 *
 * So m is how many answers of the backend are missing.
 *
 * All is counted in rounds, which are the same for all backends of a namespace.
 *
 * There are no packets or locks here. This file is also built in user space, for tests.
 */
#include <linux/math64.h>

#include "reach.h"

/**
 * lc_reach_begin() - count in this round from now on
 * @reach: a backend's
 * @round: the round, which may have begun before
 *
 * Context: any.
 */
void lc_reach_begin(struct lc_reach *reach, u32 round)
{
	/* Another processor may have begun the next one. */
	if ((s32)(round - reach->round) <= 0)
		return;
	reach->before = reach->round + 1 == round ? reach->now :
						    (struct lc_tally) { };
	reach->now = (struct lc_tally) { };
	reach->round = round;
}

/**
 * lc_reach_forget() - what was counted until now tells nothing any more
 * @reach: a backend's
 *
 * Context: any.
 */
void lc_reach_forget(struct lc_reach *reach)
{
	reach->now = (struct lc_tally) { };
	reach->before = (struct lc_tally) { };
}

/**
 * lc_reach_arrived() - a packet that was counted as dropped was only held
 * @reach: the backend's
 *
 * Context: any.
 */
void lc_reach_arrived(struct lc_reach *reach)
{
	struct lc_tally *tally = reach->now.dropped ? &reach->now : &reach->before;

	if (tally->dropped)
		tally->dropped--;
}

/**
 * lc_reach_missing() - how many answers of a backend are missing?
 * @own: the backend's; it has answered none
 * @others: the sum of the others'
 *
 * Context: any.
 * Return: the number; see above.
 */
u32 lc_reach_missing(const struct lc_tally *own, const struct lc_tally *others)
{
	u64 all = (u64)others->answered + others->dropped + own->dropped;

	return all ? div64_u64((u64)others->answered * own->dropped, all) : 0;
}
