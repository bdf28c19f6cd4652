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
 * That holds for free choices only: those that depend on nothing but the loads. A client
 * whose packet was dropped avoids the backend, so its next choices are not free, nor are
 * those of a client that keeps its backend. And it holds for choices of the same time: all
 * is counted by spans of time.
 *
 * There are no packets or locks here. This file is also built in user space, for tests.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "reach.h"

/* Is it one of the newest @spans? */
static bool is_newest(const struct lc_reach *reach, u32 span, unsigned int spans)
{
	return reach->span - span < spans;
}

static struct lc_tally *tally_of(struct lc_reach *reach, u32 span)
{
	return &reach->tallies[span % LC_REACH_SPANS];
}

static u16 *dropped_of(struct lc_reach *reach, u32 span)
{
	return &reach->dropped[span % LC_REACH_LAST];
}

static void count(u16 *counter)
{
	if (*counter < U16_MAX)
		(*counter)++;
}

static void uncount(u16 *counter)
{
	if (*counter)
		(*counter)--;
}

/**
 * lc_reach_begin() - a span has begun
 * @reach: a backend's
 * @span: the span; earlier ones are forgotten when there are too many
 *
 * Context: any.
 */
void lc_reach_begin(struct lc_reach *reach, u32 span)
{
	u32 ahead = span - reach->span;

	/* Another processor may have begun the next one. */
	if ((s32)ahead <= 0)
		return;
	for (ahead = min(ahead, LC_REACH_SPANS); ahead--;) {
		*tally_of(reach, span - ahead) = (struct lc_tally) { };
		*dropped_of(reach, span - ahead) = 0;
	}
	reach->span = span;
}

/**
 * lc_reach_answered() - a backend has answered a connection
 * @reach: the backend's
 * @span: when, not later than in the newest span
 * @free: the choice was free
 *
 * Context: any.
 */
void lc_reach_answered(struct lc_reach *reach, u32 span, bool free)
{
	reach->run = 0;
	if (!reach->silent || (s32)(span + 1 - reach->silent) > 0)
		reach->silent = span + 1;
	if (free && is_newest(reach, span, LC_REACH_SPANS))
		count(&tally_of(reach, span)->answered);
}

/**
 * lc_reach_dropped() - the connection of a choice is not recorded
 * @reach: the backend's
 * @span: now
 * @free: the choice was free
 *
 * Context: any.
 */
void lc_reach_dropped(struct lc_reach *reach, u32 span, bool free)
{
	lc_reach_begin(reach, span);
	count(dropped_of(reach, reach->span));
	if (free)
		count(&tally_of(reach, reach->span)->dropped);
	reach->run++;
}

/**
 * lc_reach_arrived() - undo lc_reach_dropped(): the packet was only held
 * @reach: the backend's
 * @span: as for lc_reach_dropped()
 * @free: as for lc_reach_dropped()
 *
 * Context: any.
 */
void lc_reach_arrived(struct lc_reach *reach, u32 span, bool free)
{
	if (reach->run)
		reach->run--;
	if (is_newest(reach, span, LC_REACH_LAST))
		uncount(dropped_of(reach, span));
	if (free && is_newest(reach, span, LC_REACH_SPANS))
		uncount(&tally_of(reach, span)->dropped);
}

/**
 * lc_reach_forget() - what was dropped until now tells nothing any more
 * @reach: a backend's
 *
 * Context: any.
 */
void lc_reach_forget(struct lc_reach *reach)
{
	unsigned int i;

	reach->run = 0;
	for (i = 0; i < LC_REACH_SPANS; i++)
		reach->tallies[i].dropped = 0;
	for (i = 0; i < LC_REACH_LAST; i++)
		reach->dropped[i] = 0;
}

/**
 * lc_reach_count_dropped() - how many choices of a backend were dropped?
 * @reach: the backend's
 * @from: since this span; one of the last %LC_REACH_LAST
 *
 * Context: any.
 * Return: the number.
 */
u32 lc_reach_count_dropped(const struct lc_reach *reach, u32 from)
{
	u32 span, sum = 0;

	for (span = from; (s32)(reach->span - span) >= 0; span++)
		if (is_newest(reach, span, LC_REACH_LAST))
			sum += reach->dropped[span % LC_REACH_LAST];
	return sum;
}

/**
 * lc_reach_first() - since when is a backend not reached?
 * @reach: the backend's
 *
 * Context: any.
 * Return: the first span since its last answer in which a free choice was dropped, or one
 *	that has not begun.
 */
u32 lc_reach_first(const struct lc_reach *reach)
{
	u32 span = reach->span - LC_REACH_SPANS + 1;

	for (; span != reach->span + 1; span++)
		if (reach->tallies[span % LC_REACH_SPANS].dropped &&
		    !(reach->silent && (s32)(reach->silent - span) > 0))
			break;
	return span;
}

/**
 * lc_reach_add() - add what became of a backend's choices
 * @reach: the backend's
 * @from: the first span that counts
 * @to: the last one
 * @sum: what is added to
 *
 * Context: any.
 */
void lc_reach_add(const struct lc_reach *reach, u32 from, u32 to,
		  struct lc_reached *sum)
{
	const struct lc_tally *tally;
	u32 span;

	for (span = from; (s32)(to - span) >= 0; span++) {
		if (!is_newest(reach, span, LC_REACH_SPANS))
			continue;
		tally = &reach->tallies[span % LC_REACH_SPANS];
		sum->answered += tally->answered;
		sum->dropped += tally->dropped;
	}
}

/**
 * lc_reach_missing() - how many answers of a backend are missing?
 * @own: the backend's
 * @others: those of others
 *
 * Context: any.
 * Return: the number; see above. 0 if it has answered.
 */
u32 lc_reach_missing(const struct lc_reached *own, const struct lc_reached *others)
{
	u64 all = others->answered + others->dropped + own->dropped;

	if (own->answered || !all)
		return 0;
	return div64_u64(others->answered * own->dropped, all);
}
