// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reach in user space: spans of time, and the chance that a verdict is wrong. That is
 * computed here by drawing one connection after another (hypergeometric distribution).
 */
#include <math.h>
#include <linux/types.h>

#include "../../kmod/reach.h"
#include "../dice.h"
#include "../ktap.h"

#define CASES	100000U

/* ---- spans, against a log of all that has happened ---- */

struct event {
	u32	span;
	bool	answered;
	bool	free;
};

static struct event events[200];
static unsigned int n_events;

static u32 log_count(u32 from, u32 to, bool answered, bool only_free, u32 newest)
{
	unsigned int i, sum = 0;

	for (i = 0; i < n_events; i++)
		sum += events[i].answered == answered &&
		       (events[i].free || !only_free) && events[i].span >= from &&
		       events[i].span <= to &&
		       events[i].span + LC_REACH_SPANS > newest;
	return sum;
}

/* Drops of spans that had been forgotten are gone for ever, so the log forgets them, too. */
static void log_forget(u32 newest)
{
	unsigned int i, kept = 0;

	for (i = 0; i < n_events; i++)
		if (events[i].span + LC_REACH_SPANS > newest)
			events[kept++] = events[i];
	n_events = kept;
}

static u32 log_first(u32 silent, u32 newest)
{
	u32 first = newest + 1;
	unsigned int i;

	for (i = 0; i < n_events; i++)
		if (!events[i].answered && events[i].free && events[i].span >= silent &&
		    events[i].span < first)
			first = events[i].span;
	return first;
}

static void compare(const struct lc_reach *reach, u32 silent, u32 newest)
{
	u32 from = newest - dice(LC_REACH_SPANS), to = from + dice(6);
	u32 last = newest - dice(LC_REACH_LAST);
	struct lc_reached sum = { };

	lc_reach_add(reach, from, to, &sum);
	if (sum.answered != log_count(from, to, true, true, newest) ||
	    sum.dropped != log_count(from, to, false, true, newest))
		fail("spans %u to %u of %u: %llu answered, %llu dropped", from, to, newest,
		     (unsigned long long)sum.answered, (unsigned long long)sum.dropped);
	if (lc_reach_count_dropped(reach, last) !=
	    log_count(last, newest, false, false, newest))
		fail("since span %u of %u: %u dropped", last, newest,
		     lc_reach_count_dropped(reach, last));
	if (lc_reach_first(reach) != log_first(silent, newest))
		fail("first of %u: %u, not %u", newest, lc_reach_first(reach),
		     log_first(silent, newest));
}

static void random_history(unsigned int history)
{
	u32 newest = 100, silent = 0, span, run = 0;
	struct lc_reach reach = { };
	bool answered, free;
	unsigned int i;

	dice_seed(2, history);
	n_events = 0;
	lc_reach_begin(&reach, newest);
	for (i = 0; i < 150; i++) {
		newest += dice(8) ? 0 : dice(dice(6) ? 4 : 30);
		lc_reach_begin(&reach, newest);
		lc_reach_begin(&reach, newest - dice(3));
		log_forget(newest);
		free = dice(2);
		answered = !dice(4);
		span = newest - (answered ? dice(3) : 0);
		if (answered) {
			lc_reach_answered(&reach, span, free);
			run = 0;
			if (span + 1 > silent)
				silent = span + 1;
		} else {
			lc_reach_dropped(&reach, span, free);
			run++;
		}
		/* Of answers only free ones are counted. */
		if (free || !answered)
			events[n_events++] = (struct event) { span, answered, free };
		if (reach.run != run)
			fail("a run of %u, not %u", reach.run, run);
		compare(&reach, silent, newest);
	}
}

static void test_random_histories(void)
{
	unsigned int i;

	for (i = 0; i < 3000; i++)
		random_history(i);
}

static void test_packets_that_arrive(void)
{
	struct lc_reach reach = { };

	lc_reach_dropped(&reach, 50, true);
	lc_reach_dropped(&reach, 51, false);
	lc_reach_arrived(&reach, 50, true);
	if (reach.run != 1 || lc_reach_count_dropped(&reach, 48) != 1 ||
	    lc_reach_first(&reach) != 52)
		fail("the first one");
	lc_reach_arrived(&reach, 51, false);
	lc_reach_arrived(&reach, 51, true);
	if (reach.run || lc_reach_count_dropped(&reach, 48))
		fail("one more than were counted");
}

static void test_forgotten(void)
{
	struct lc_reached sum = { };
	struct lc_reach reach = { };

	lc_reach_dropped(&reach, 50, true);
	lc_reach_answered(&reach, 50, true);
	lc_reach_dropped(&reach, 51, true);
	lc_reach_forget(&reach);
	lc_reach_add(&reach, 40, 51, &sum);
	if (reach.run || sum.dropped || sum.answered != 1)
		fail("%llu dropped, %llu answered", (unsigned long long)sum.dropped,
		     (unsigned long long)sum.answered);
}

/* Numbers of spans begin again at 0 one day. */
static void test_largest_span(void)
{
	struct lc_reached sum = { };
	struct lc_reach reach = { };

	lc_reach_begin(&reach, ~0U - 3);
	lc_reach_dropped(&reach, ~0U, true);
	lc_reach_dropped(&reach, 2, true);
	lc_reach_add(&reach, ~0U - 1, 2, &sum);
	if (sum.dropped != 2 || lc_reach_count_dropped(&reach, ~0U) != 2)
		fail("%llu dropped", (unsigned long long)sum.dropped);
}

/* ---- the verdict ---- */

/* The logarithm of the chance that no answer is among @own of all. */
static double log_chance(u32 own, u32 answered, u32 dropped)
{
	double all = (double)own + answered + dropped, log_p = 0;
	u32 i;

	for (i = 0; i < answered; i++) {
		if (all - own - i <= 0)
			return -INFINITY;
		log_p += log((all - own - i) / (all - i));
	}
	return log_p;
}

/* A number that is small as often as it is large. */
static u32 any_size(void)
{
	return dice(2u << dice(11));
}

static void test_chance(void)
{
	unsigned int i, sure = 0;

	for (i = 0; i < CASES; i++) {
		struct lc_reached own = { }, others;
		double log_p, mean;
		u32 missing;

		dice_seed(1, i);
		own.dropped = any_size();
		others = (struct lc_reached) { any_size(), any_size() };
		missing = lc_reach_missing(&own, &others);
		mean = (double)own.dropped + others.answered + others.dropped;
		mean = mean ? own.dropped * (double)others.answered / mean : 0;
		log_p = log_chance(own.dropped, others.answered, others.dropped);
		sure += missing >= 10;
		if (log_p > -(double)missing + 1e-9 || fabs(mean - missing) > 1)
			fail("%llu dropped; others %llu answered, %llu dropped: %u missing, of %f; exp(%f)",
			     (unsigned long long)own.dropped,
			     (unsigned long long)others.answered,
			     (unsigned long long)others.dropped, missing, mean, log_p);
	}
	if (sure < CASES / 10 || sure > CASES / 10 * 9)
		fail("%u of %u cases are sure", sure, CASES);
}

static void test_largest_counts(void)
{
	const struct lc_reached most = { 65535ull * 65535, 65535ull * 65535 };
	struct lc_reached own = { 0, 65535 * LC_REACH_SPANS };
	double all = 2.0 * most.answered + own.dropped;

	if (fabs(lc_reach_missing(&own, &most) - most.answered / all * own.dropped) > 1)
		fail("%u", lc_reach_missing(&own, &most));
	if (lc_reach_missing(&(struct lc_reached) { }, &(struct lc_reached) { }))
		fail("none at all");
	own.answered = 1;
	if (lc_reach_missing(&own, &most))
		fail("it has answered");
}

static const struct unit_test tests[] = {
	{ "random histories",		test_random_histories },
	{ "packets that arrive",	test_packets_that_arrive },
	{ "forgotten",			test_forgotten },
	{ "largest span",		test_largest_span },
	{ "chance",			test_chance },
	{ "largest counts",		test_largest_counts },
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}
