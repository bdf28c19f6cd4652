/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_REACH_H
#define LC_REACH_H

#include <linux/types.h>

/** LC_REACH_SPANS - spans of time that are compared */
#define LC_REACH_SPANS	8U

/** LC_REACH_LAST - the last spans, in which all dropped choices are counted */
#define LC_REACH_LAST	4U

/**
 * struct lc_tally - what became of the free choices of a backend in a span of time
 * @answered: connections that it has answered
 * @dropped: choices whose connections were not recorded
 */
struct lc_tally {
	u16	answered;
	u16	dropped;
};

/**
 * struct lc_reach - does this host let the packets for a backend through?
 * @span: the newest span
 * @silent: the first span after the last answer to a choice; 0: none is known
 * @run: choices that were dropped since an answer was reported
 * @tallies: by span
 * @dropped: all choices that were dropped, by span
 *
 * The caller serializes the use.
 */
struct lc_reach {
	u32		span;
	u32		silent;
	u32		run;
	struct lc_tally	tallies[LC_REACH_SPANS];
	u16		dropped[LC_REACH_LAST];
};

/**
 * struct lc_reached - sums for the comparison of backends
 * @answered: connections that they have answered, by free choices
 * @dropped: free choices that were dropped
 */
struct lc_reached {
	u64	answered;
	u64	dropped;
};

void lc_reach_begin(struct lc_reach *reach, u32 span);
void lc_reach_answered(struct lc_reach *reach, u32 span, bool free);
void lc_reach_dropped(struct lc_reach *reach, u32 span, bool free);
void lc_reach_arrived(struct lc_reach *reach, u32 span, bool free);
void lc_reach_forget(struct lc_reach *reach);
u32 lc_reach_count_dropped(const struct lc_reach *reach, u32 from);
u32 lc_reach_first(const struct lc_reach *reach);
void lc_reach_add(const struct lc_reach *reach, u32 from, u32 to,
		  struct lc_reached *sum);
u32 lc_reach_missing(const struct lc_reached *own, const struct lc_reached *others);

#endif /* LC_REACH_H */
