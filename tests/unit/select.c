// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice, in user space, against the definition computed another way:
 * a slot may be chosen when no other that can take the connection has a
 * smaller (active + 1) / weight, compared as fractions of 128 bit.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/select.h"

#define MOST	64

static atomic_t loads[MOST];
static struct lc_slot slots[MOST];

static void slot_set(unsigned int at, int load, u32 max_conns, u16 weight,
		     bool backup)
{
	loads[at].counter = load;
	slots[at] = (struct lc_slot) {
		.active = &loads[at],
		.max_conns = max_conns,
		.weight = weight,
		.backup = backup,
	};
}

/* ---- the definition ---- */

static bool can_take(unsigned int at)
{
	return slots[at].weight &&
	       (!slots[at].max_conns ||
		(u32)loads[at].counter < slots[at].max_conns);
}

static bool ordinary_left(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (can_take(i) && !slots[i].backup)
			return true;
	return false;
}

static bool less(unsigned int a, unsigned int b)
{
	unsigned __int128 left = (unsigned __int128)loads[a].counter + 1;
	unsigned __int128 right = (unsigned __int128)loads[b].counter + 1;

	return left * slots[b].weight < right * slots[a].weight;
}

static bool may_win(unsigned int at, unsigned int count)
{
	bool backup = !ordinary_left(count);

	if (!can_take(at) || slots[at].backup != backup)
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (can_take(i) && slots[i].backup == backup && less(i, at))
			return false;
	return true;
}

/* The first that may win, from @start on; -1: none. */
static int defined(unsigned int count, unsigned int start)
{
	for (unsigned int i = 0; i < count; i++)
		if (may_win((start + i) % count, count))
			return (start + i) % count;
	return -1;
}

/* ---- the tests ---- */

static const char *failure;
static char text[256];

/* The first thing that is wrong is the one that is said. */
static void __attribute__((format(printf, 3, 4)))
check(int got, int wanted, const char *fmt, ...)
{
	va_list args;
	size_t used;

	if (got == wanted || failure)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, ": %d, not %d", got, wanted);
	failure = text;
}

static void test_random_pools(void)
{
	static const u16 weights[] = { 0, 1, 1, 1, 2, 3, 5, 100, 65534, 65535 };
	static const u32 caps[] = { 0, 0, 0, 1, 2, 10, UINT_MAX };

	for (int round = 0; round < 200000; round++) {
		unsigned int count = 1 + random() % MOST;
		unsigned int start = random() % count;

		for (unsigned int i = 0; i < count; i++)
			slot_set(i, random() % (round % 7 ? 8 : INT_MAX),
				 caps[random() % 7], weights[random() % 10],
				 !(random() % 4));
		check(lc_select(slots, count, start), defined(count, start),
		      "round %d, %u slots from %u", round, count, start);
	}
}

static void test_nothing_to_choose(void)
{
	check(lc_select(slots, 0, 0), -1, "no slot");
	slot_set(0, 0, 0, 0, false);
	slot_set(1, 5, 5, 1, false);
	slot_set(2, 0, 0, 0, true);
	check(lc_select(slots, 3, 1), -1, "drained, full, drained backup");
}

static void test_largest_products(void)
{
	/* (2^31) * 65535 against (2^31 - 1) * 65535: one apart. */
	slot_set(0, INT_MAX, 0, 65535, false);
	slot_set(1, INT_MAX - 1, 0, 65535, false);
	check(lc_select(slots, 2, 0), 1, "one connection apart");
	/* The same load a little lighter in weight is the heavier load. */
	slot_set(0, INT_MAX, 0, 65534, false);
	slot_set(1, INT_MAX, 0, 65535, false);
	check(lc_select(slots, 2, 0), 1, "one weight apart");
}

static void test_load_below_zero_is_idle(void)
{
	slot_set(0, -1, 1, 1, false);
	slot_set(1, 0, 1, 1, false);
	check(lc_select(slots, 2, 0), 0, "from 0");
	check(lc_select(slots, 2, 1), 1, "from 1: a tie");
}

static void test_ties_go_round(void)
{
	unsigned int start = 0;

	for (unsigned int i = 0; i < 5; i++)
		slot_set(i, 7, 0, 3, i == 2);
	for (int round = 0; round < 3; round++)
		for (int want = 0; want < 5; want++) {
			if (want == 2)
				continue;
			check(lc_select(slots, 5, start), want, "round %d",
			      round);
			start = (want + 1) % 5;
		}
}

/* One after another, equal backends never differ by more than one. */
static void test_equal_spread(void)
{
	unsigned int start = 0;

	for (unsigned int i = 0; i < MOST; i++)
		slot_set(i, 0, 0, 1, false);
	for (int n = 0; n < 100 * MOST; n++) {
		int at = lc_select(slots, MOST, start);

		loads[at].counter++;
		start = (at + 1) % MOST;
		check(loads[at].counter, n / MOST + 1, "connection %d", n);
	}
}

static void test_backup_only_without_ordinary(void)
{
	slot_set(0, 100, 0, 1, false);
	slot_set(1, 0, 0, 65535, true);
	check(lc_select(slots, 2, 1), 0, "an ordinary one is there");
	slots[0].max_conns = 100;
	check(lc_select(slots, 2, 0), 1, "it is full");
	loads[0].counter = 99;
	check(lc_select(slots, 2, 1), 0, "room is back");
}

static const struct {
	const char	*name;
	void		(*run)(void);
} tests[] = {
	{ "random pools",		test_random_pools },
	{ "nothing to choose",		test_nothing_to_choose },
	{ "largest products",		test_largest_products },
	{ "load below zero is idle",	test_load_below_zero_is_idle },
	{ "ties go round",		test_ties_go_round },
	{ "equal spread",		test_equal_spread },
	{ "backup only without ordinary", test_backup_only_without_ordinary },
};

int main(void)
{
	const unsigned int count = sizeof(tests) / sizeof(tests[0]);
	int status = 0;

	srandom(1);
	printf("KTAP version 1\n1..%u\n", count);
	for (unsigned int i = 0; i < count; i++) {
		failure = NULL;
		tests[i].run();
		if (failure) {
			printf("# %s\nnot ", failure);
			status = 1;
		}
		printf("ok %u %s\n", i + 1, tests[i].name);
	}
	return status;
}
