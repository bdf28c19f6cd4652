// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reach in user space: rounds, and the chance that a verdict is wrong. That is computed
 * here by drawing one connection after another (hypergeometric distribution).
 */
#include <math.h>
#include <linux/types.h>

#include "../../kmod/reach.h"
#include "../dice.h"
#include "../ktap.h"

#define CASES	100000U

static void check(const struct lc_reach *reach, u32 now, u32 before, const char *when)
{
	if (reach->now.dropped != now || reach->before.dropped != before)
		fail("%s: %u now, %u before", when, reach->now.dropped,
		     reach->before.dropped);
}

static void test_rounds(void)
{
	struct lc_reach reach = { };

	reach.now.dropped = 3;
	lc_reach_begin(&reach, 0);
	check(&reach, 3, 0, "the same round");
	lc_reach_begin(&reach, 1);
	check(&reach, 0, 3, "the next one");
	reach.now.dropped = 5;
	lc_reach_begin(&reach, 0);
	check(&reach, 5, 3, "a processor that is late");
	lc_reach_begin(&reach, 3);
	check(&reach, 0, 0, "two later");
	reach.now.dropped = 7;
	reach.round = ~0U;
	lc_reach_begin(&reach, 0);
	check(&reach, 0, 7, "the largest one is over");
	reach.now.dropped = 1;
	lc_reach_forget(&reach);
	check(&reach, 0, 0, "forgotten");
}

static void test_packets_that_arrive(void)
{
	struct lc_reach reach = { .now.dropped = 1, .before.dropped = 1 };

	lc_reach_arrived(&reach);
	check(&reach, 0, 1, "the first one");
	lc_reach_arrived(&reach);
	check(&reach, 0, 0, "the second one");
	lc_reach_arrived(&reach);
	check(&reach, 0, 0, "one more than were counted");
}

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
		struct lc_tally own, others;
		double log_p, mean;
		u32 missing;

		dice_seed(1, i);
		own = (struct lc_tally) { .dropped = any_size() };
		others = (struct lc_tally) { any_size(), any_size() };
		missing = lc_reach_missing(&own, &others);
		mean = (double)own.dropped + others.answered + others.dropped;
		mean = mean ? own.dropped * (double)others.answered / mean : 0;
		log_p = log_chance(own.dropped, others.answered, others.dropped);
		sure += missing >= 10;
		if (log_p > -(double)missing + 1e-9 || fabs(mean - missing) > 1)
			fail("%u dropped; others %u answered, %u dropped: %u missing, of %f; exp(%f)",
			     own.dropped, others.answered, others.dropped, missing,
			     mean, log_p);
	}
	if (sure < CASES / 10 || sure > CASES / 10 * 9)
		fail("%u of %u cases are sure", sure, CASES);
}

static void test_largest_counts(void)
{
	const struct lc_tally own = { 0, ~0U }, others = { ~0U, 0 };
	u32 missing = lc_reach_missing(&own, &others);

	if (missing != ~0U / 2)
		fail("%u", missing);
	if (lc_reach_missing(&(struct lc_tally) { }, &(struct lc_tally) { }))
		fail("none at all");
}

static const struct unit_test tests[] = {
	{ "rounds",			test_rounds },
	{ "packets that arrive",	test_packets_that_arrive },
	{ "chance",			test_chance },
	{ "largest counts",		test_largest_counts },
};

int main(void)
{
	return run_tests(tests, ARRAY_SIZE(tests));
}
