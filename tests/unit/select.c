// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice, in user space, against the definition computed another way:
 * a slot may be chosen when no other that can take the connection has a
 * smaller (active + 1) / weight, compared by multiplication across: no division,
 * no rounding.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/select.h"
#include "../dice.h"
#include "../ktap.h"

#define MOST	4096
#define FEW	64	/* where all are compared with all */

static struct lc_conns conns[MOST];
static struct lc_tournament it;
static void *memory;

/* Nobody can take a connection yet. */
static void start(unsigned int count)
{
	free(memory);
	memory = calloc(1, lc_tournament_size(count));
	lc_tournament_init(&it, memory, count);
}

static void slot_set(unsigned int at, int load, u32 max_conns, u16 weight,
		     bool backup)
{
	struct lc_slot *slot = &it.slots[at];

	conns[at].active.counter = load;
	conns[at].exempt.counter = 0;
	conns[at].held.counter = 0;
	slot->trial = false;
	slot->paced = false;
	slot->conns = &conns[at];
	slot->max_conns = max_conns;
	slot->weight = weight;
	slot->backup = backup;
	lc_tournament_update(&it, at);
}

static int choose(void)
{
	return lc_tournament_choose(&it);
}

/* ---- the definition ---- */

/* Below zero is idle. */
static u32 load_of(unsigned int at)
{
	return conns[at].active.counter < 0 ? 0 : conns[at].active.counter;
}

static u32 exempt_of(unsigned int at)
{
	return conns[at].exempt.counter < 0 ? 0 : conns[at].exempt.counter;
}

static u32 held_of(unsigned int at)
{
	return conns[at].held.counter < 0 ? 0 : conns[at].held.counter;
}

/* What counts to the cap: on trial also the exempt that are held. */
static long long counted(unsigned int at)
{
	u32 exempt = exempt_of(at), held = it.slots[at].trial ? held_of(at) : 0;

	return (long long)load_of(at) - exempt + (held < exempt ? held : exempt);
}

static bool can_take(unsigned int at)
{
	return it.slots[at].weight &&
	       (!it.slots[at].max_conns ||
		counted(at) < it.slots[at].max_conns);
}

/* Our own count of choices, and of the slots that there are. */
static unsigned int turns, slots;
static unsigned int chosen_at[MOST];

static bool has_to_wait(unsigned int at)
{
	return it.slots[at].paced && turns - chosen_at[at] + 1 < slots;
}

/* Anyone who can, among the ordinary or the backups. */
static bool any_left(unsigned int count, bool backup)
{
	for (unsigned int i = 0; i < count; i++)
		if (can_take(i) && it.slots[i].backup == backup)
			return true;
	return false;
}

/* The same, of those that need not wait. */
static bool any_ready(unsigned int count, bool backup)
{
	for (unsigned int i = 0; i < count; i++)
		if (can_take(i) && it.slots[i].backup == backup && !has_to_wait(i))
			return true;
	return false;
}

/* Exact: a load of 31 bits and a weight of 16 make a product of 48 at most. */
static bool less(unsigned int a, unsigned int b)
{
	u64 left = (u64)load_of(a) + 1;
	u64 right = (u64)load_of(b) + 1;

	return left * it.slots[b].weight < right * it.slots[a].weight;
}

static bool may_win(unsigned int at, unsigned int count)
{
	bool backup = !any_left(count, false);

	if (!can_take(at) || it.slots[at].backup != backup)
		return false;
	if (has_to_wait(at))
		return !any_ready(count, backup);
	for (unsigned int i = 0; i < count; i++)
		if (can_take(i) && it.slots[i].backup == backup &&
		    !has_to_wait(i) && less(i, at))
			return false;
	return true;
}

/* ---- the tests ---- */

/* The first thing that is wrong is the one that is said. */
static void __attribute__((format(printf, 3, 4)))
check(int got, int wanted, const char *fmt, ...)
{
	char what[160];
	va_list args;

	if (got == wanted)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	fail("%s: %d, not %d", what, got, wanted);
}

static const u16 weights[] = { 0, 1, 1, 1, 2, 3, 5, 100, 65534, 65535 };
static const u32 caps[] = { 0, 0, 0, 1, 2, 10, UINT_MAX };

static void slot_at_random(unsigned int at, int most)
{
	slot_set(at, dice(most), one_of(caps), one_of(weights), !dice(4));
	it.slots[at].trial = !dice(3);
	lc_tournament_update(&it, at);
}

/* Loads grow untold; all other changes are told. */
static void change(unsigned int count)
{
	unsigned int at = dice(count);

	switch (dice(6)) {
	case 0:
	case 1:
		conns[at].active.counter += dice(3);
		break;
	case 4:
		conns[at].exempt.counter += dice(5) - 2;
		lc_tournament_update(&it, at);
		break;
	case 5:
		conns[at].held.counter += dice(5) - 2;
		lc_tournament_update(&it, at);
		break;
	case 2:
		conns[at].active.counter -= dice(3);
		lc_tournament_update(&it, at);
		break;
	case 3:
		slot_at_random(at, 8);
		break;
	}
}

static void check_choice(unsigned int count, int round, int step)
{
	int at = choose();

	if (!any_left(count, false) && !any_left(count, true)) {
		check(at, -1, "round %d, step %d: none can", round, step);
		return;
	}
	check(at >= 0 && may_win(at, count), true,
	      "round %d, step %d: %d of %u may win", round, step, at, count);
	if (at >= 0)
		conns[at].active.counter += dice(8) > 0;
}

static void check_take(unsigned int count, int round, int step)
{
	unsigned int at = dice(count);
	bool may = can_take(at) &&
		   !(it.slots[at].backup && any_left(count, false));

	check(lc_tournament_take(&it, at), may,
	      "round %d, step %d: %u of %u may be taken", round, step, at, count);
	if (may)
		conns[at].active.counter += dice(8) > 0;
}

static void test_random_pools(void)
{
	for (int round = 0; round < 5000; round++) {
		unsigned int count = 1 + dice(FEW);

		start(count);
		for (unsigned int i = 0; i < count; i++)
			slot_at_random(i, round % 7 ? 8 : INT_MAX - 1000);
		for (int step = 0; step < 40; step++) {
			for (int i = dice(4); i; i--)
				change(count);
			if (dice(4))
				check_choice(count, round, step);
			else
				check_take(count, round, step);
		}
	}
}

static void test_nothing_to_choose(void)
{
	start(3);
	check(choose(), -1, "no slot is set");
	slot_set(0, 0, 0, 0, false);
	slot_set(1, 5, 5, 1, false);
	slot_set(2, 0, 0, 0, true);
	check(choose(), -1, "drained, full, drained backup");
}

/* Who of two wins a new tournament; the later one, should they be equal. */
static int first_of(int load0, u16 weight0, int load1, u16 weight1)
{
	start(2);
	slot_set(0, 0, 0, 1, false);
	slot_set(1, INT_MAX - 1, 0, 1, false);
	check(choose(), 0, "whose turn has been");
	slot_set(0, load0, 0, weight0, false);
	slot_set(1, load1, 0, weight1, false);
	return choose();
}

static void test_nearest_fractions(void)
{
	check(first_of(INT_MAX - 1, 65535, INT_MAX - 2, 65535), 1,
	      "one connection apart");
	check(first_of(INT_MAX - 2, 65535, INT_MAX - 1, 65535), 0,
	      "one connection apart, the other way");
	check(first_of(INT_MAX - 1, 65534, INT_MAX - 1, 65535), 1,
	      "one weight apart");
	check(first_of(65533, 65534, 65534, 65535), 1, "1 and 1");
	check(first_of(65532, 65534, 65533, 65535), 0,
	      "65533/65534 and 65534/65535");
	check(first_of(65534, 65534, 65535, 65535), 1,
	      "65535/65534 and 65536/65535");
	/* The least and the greatest rank there are. */
	start(2);
	slot_set(0, INT_MAX - 1, 0, 1, false);
	slot_set(1, 0, 0, 65535, true);
	check(choose(), 0, "an idle backup");
}

static void test_load_below_zero_is_idle(void)
{
	start(2);
	slot_set(0, -1, 1, 1, false);
	slot_set(1, 0, 1, 1, false);
	check(choose(), 0, "the first");
	check(choose(), 1, "a tie");
	check(choose(), 0, "and the first again");
}

/* The first round is in the order of the slots. Who was chosen waits until all
 * others were, counted or not.
 */
static void test_ties_go_round(void)
{
	for (unsigned int count = 2; count < 20; count++) {
		int last[20] = {};
		int others = count - (count > 2);

		start(count);
		for (unsigned int i = 0; i < count; i++)
			slot_set(i, 7, 0, 3, i == 2);
		for (int n = 1; n < 200; n++) {
			int at = choose();

			if (n < others)
				check(at, n - 1 + (count > 2 && n > 2),
				      "%u slots: turn %d", count, n);
			check(!last[at] || n - last[at] == others, true,
			      "%u slots: %d after %d turns", count, at,
			      n - last[at]);
			last[at] = n;
		}
	}
}

/* One after another, equal backends never differ by more than one. */
static void test_equal_spread(void)
{
	start(MOST);
	for (unsigned int i = 0; i < MOST; i++)
		slot_set(i, 0, 0, 1, false);
	for (int n = 0; n < 20 * MOST; n++) {
		int at = choose();

		conns[at].active.counter++;
		check(conns[at].active.counter, n / MOST + 1, "connection %d", n);
	}
}

/* Another pool gives a connection to each of the same backends but one. */
static void test_sees_what_others_add(void)
{
	start(MOST);
	for (unsigned int i = 0; i < MOST; i++)
		slot_set(i, 0, 0, 1, false);
	for (unsigned int i = 0; i < MOST - 1; i++)
		conns[i].active.counter = 1;
	check(choose(), MOST - 1, "the only idle one");
}

static void test_backup_only_without_ordinary(void)
{
	start(2);
	slot_set(0, 100, 0, 1, false);
	slot_set(1, 0, 0, 65535, true);
	check(choose(), 0, "an ordinary one is there");
	slot_set(0, 100, 100, 1, false);
	check(choose(), 1, "it is full");
	slot_set(0, 99, 100, 1, false);
	check(choose(), 0, "room is back");
	conns[0].active.counter = 100;
	check(choose(), 1, "and filled");
}

/* A client that keeps its slot uses a turn of that slot. */
static void test_taken_slots_lose_their_turn(void)
{
	start(3);
	for (unsigned int i = 0; i < 3; i++)
		slot_set(i, 7, 0, 1, false);
	check(choose(), 0, "the first");
	check(lc_tournament_take(&it, 1), true, "the second");
	check(choose(), 2, "the third, which is next");
	check(choose(), 0, "the first");
	check(choose(), 1, "the second, after all others");
}

static void test_full_while_nobody_looks(void)
{
	start(2);
	slot_set(0, 0, 2, 65535, false);
	slot_set(1, 1000, 0, 1, false);
	check(choose(), 0, "an idle one");
	conns[0].active.counter = 2;
	check(choose(), 1, "it is full");
}

/* ---- slots that come and go ---- */

static void enter(unsigned int at, int load, u16 weight)
{
	conns[at].active.counter = load;
	lc_tournament_add(&it, at, &conns[at]);
	check(can_take(at), false, "slot %u has a weight before it is given one",
	      at);
	it.slots[at].max_conns = 0;
	it.slots[at].backup = false;
	it.slots[at].weight = weight;
	lc_tournament_update(&it, at);
}

/* The memory it had is its own again. */
static void grow(unsigned int count)
{
	void *more = calloc(1, lc_tournament_size(count));
	void *before = lc_tournament_grow(&it, more, count);

	check(before == memory, true, "growing to %u gives the old memory back",
	      count);
	check(it.width >= count, true, "room for %u slots", count);
	free(memory);
	memory = more;
}

static bool is_taken(unsigned int at)
{
	return it.slots[at].conns;
}

/* The first free one from a random one on, or -1. */
static int any_slot(bool taken)
{
	unsigned int from = dice(it.width);

	for (unsigned int i = 0; i < it.width; i++)
		if (is_taken((from + i) % it.width) == taken)
			return (from + i) % it.width;
	return -1;
}

static void come_or_go(int step)
{
	int at;

	switch (dice(8)) {
	case 0:
	case 1:
	case 2:
		at = any_slot(false);
		if (at < 0)
			grow(it.width + 1 + dice(it.width));
		else
			enter(at, (int)dice(8) - 1, one_of(weights));
		break;
	case 3:
	case 4:
		at = any_slot(true);
		if (at < 0)
			break;
		lc_tournament_del(&it, at);
		check(is_taken(at), false, "step %d: %d has left", step, at);
		break;
	default:
		at = any_slot(true);
		if (at < 0)
			break;
		if (dice(2))
			conns[at].active.counter += dice(3);
		else
			slot_at_random(at, 8);
		break;
	}
	if (!dice(30) && it.width < 4 * FEW)
		grow(2 * it.width);
}

static void test_slots_come_and_go(void)
{
	for (int round = 0; round < 1000; round++) {
		start(1 + dice(3));
		for (int step = 0; step < 150; step++) {
			for (int i = dice(4); i; i--)
				come_or_go(step);
			check_choice(it.width, round, step);
		}
	}
}

static void choices_are(const char *wanted, const char *when)
{
	for (; *wanted; wanted++)
		check(choose(), *wanted - '0', "%s", when);
}

/* ---- slots that are paced ---- */

static int paced_choice(unsigned int count)
{
	int at;

	/* As the scheduler does: time tells no slot that it need not wait any more. */
	for (unsigned int i = 0; i < count; i++)
		if (it.slots[i].paced)
			lc_tournament_update(&it, i);
	at = choose();
	if (at >= 0)
		chosen_at[at] = ++turns;
	return at;
}

static void enter_paced(unsigned int at, int load, u16 weight, bool paced)
{
	enter(at, load, weight);
	slots++;
	chosen_at[at] = ++turns;
	it.slots[at].paced = paced;
	lc_tournament_update(&it, at);
}

static void start_paced(unsigned int count)
{
	start(count);
	turns = count;
	slots = 0;
}

/* One of them fails its connections at once: it never has any. */
static void test_a_paced_slot_gets_its_share(void)
{
	for (unsigned int count = 1; count < 20; count++) {
		int got = 0;

		start_paced(count);
		for (unsigned int i = 0; i < count; i++)
			enter_paced(i, i ? 100 : 0, 1, !i);
		for (unsigned int n = 0; n < 100 * count; n++) {
			int at = paced_choice(count);

			got += !at;
			if (at)
				conns[at].active.counter++;
		}
		check(got >= 99 && got <= 100, true, "%u slots: %d of %u",
		      count, got, 100 * count);
	}
}

static void test_a_paced_slot_serves_if_no_other_can(void)
{
	start_paced(3);
	enter_paced(0, 0, 1, true);
	enter_paced(1, 5, 1, false);
	enter_paced(2, 5, 1, false);
	it.slots[1].max_conns = 5;
	it.slots[2].max_conns = 5;
	lc_tournament_update(&it, 1);
	lc_tournament_update(&it, 2);
	for (int n = 0; n < 10; n++)
		check(paced_choice(3), 0, "the others are full");
	it.slots[1].max_conns = 0;
	it.slots[1].backup = true;
	lc_tournament_update(&it, 1);
	check(paced_choice(3), 0, "a backup is no other");
	it.slots[0].backup = true;
	lc_tournament_update(&it, 0);
	check(paced_choice(3), 1, "both are backups");
	it.slots[1].weight = 0;
	lc_tournament_update(&it, 1);
	check(paced_choice(3), 0, "the only backup");
}

/* All of a tier fail: they go round, whatever their loads are. */
static void test_all_are_paced(void)
{
	start_paced(4);
	for (unsigned int i = 0; i < 4; i++)
		enter_paced(i, 10 * i, 1 + i, true);
	for (int n = 0; n < 40; n++)
		check(paced_choice(4), n % 4, "choice %d", n);
}

static void pace_or_change(unsigned int count)
{
	unsigned int at = dice(count);

	if (dice(3)) {
		conns[at].active.counter += dice(5) - 2;
		it.slots[at].max_conns = one_of(caps);
	} else {
		it.slots[at].paced = !it.slots[at].paced;
	}
	lc_tournament_update(&it, at);
}

static void test_random_pools_with_paced_slots(void)
{
	for (int round = 0; round < 3000; round++) {
		unsigned int count = 1 + dice(12);

		start_paced(count);
		for (unsigned int i = 0; i < count; i++) {
			enter_paced(i, dice(8), one_of(weights), dice(2));
			it.slots[i].backup = !dice(4);
			lc_tournament_update(&it, i);
		}
		for (int step = 0; step < 60; step++) {
			unsigned int before[12];
			bool any;
			int at;

			pace_or_change(count);
			any = any_left(count, false) || any_left(count, true);
			memcpy(before, chosen_at, sizeof(before));
			at = paced_choice(count);
			check(at >= 0, any, "round %d, step %d: any", round, step);
			if (at < 0)
				continue;
			/* Judged by what was before the choice. */
			turns--;
			chosen_at[at] = before[at];
			check(may_win(at, count), true,
			      "round %d, step %d: %d of %u may win", round, step,
			      at, count);
			chosen_at[at] = ++turns;
			conns[at].active.counter += dice(8) > 0;
		}
	}
}

/* Whoever comes goes last among equals; growing changes no turn. */
static void test_turns_of_who_comes(void)
{
	start(4);
	enter(2, 5, 1);
	enter(0, 5, 1);
	enter(3, 5, 1);
	choices_are("203203", "in the order they came");
	enter(1, 5, 1);
	choices_are("2031", "the last one came");
	lc_tournament_del(&it, 0);
	choices_are("231", "one has left");
	enter(0, 5, 1);
	choices_are("23", "and is back, and last");
	/* More turns than there will be slots. */
	for (int i = 0; i < 100; i++)
		choices_are("1023", "round and round");
	grow(64);
	choices_are("102310", "and in larger memory");
	enter(63, 4, 1);
	check(choose(), 63, "one in the new part with a smaller load");
	conns[63].active.counter++;
	choices_are("2310", "that has as much now");
	check(choose(), 63, "whose turn it is");
}

/* The best one, the last one, the only one goes. */
static void test_who_leaves_is_chosen_no_more(void)
{
	start(1);
	enter(0, 0, 65535);
	enter(1, 1000, 1);
	check(choose(), 0, "the idle one");
	lc_tournament_del(&it, 0);
	check(choose(), 1, "the one who was chosen last has left");
	grow(3);
	enter(2, 0, 1);
	lc_tournament_del(&it, 2);
	check(choose(), 1, "the best one has left before it was chosen");
	lc_tournament_del(&it, 1);
	check(choose(), -1, "all have left");
	grow(1000);
	check(choose(), -1, "and nobody came with more room");
	enter(999, INT_MAX - 1, 1);
	check(choose(), 999, "the last slot");
}

/* From one to as many as there can be, each doubling in use. */
static void test_grows_to_the_most(void)
{
	static struct lc_conns load[LC_SLOTS];
	int at;

	start(1);
	for (unsigned int i = 0; i < LC_SLOTS; i++) {
		if (i == it.width)
			grow(2 * it.width);
		load[i].active.counter = LC_SLOTS - i;
		lc_tournament_add(&it, i, &load[i]);
		it.slots[i].weight = 1;
		lc_tournament_update(&it, i);
		check(choose(), i, "the one with the smallest load so far");
	}
	for (unsigned int i = LC_SLOTS; i--; ) {
		at = choose();
		check(at, i, "the next after %u have left", LC_SLOTS - 1 - i);
		lc_tournament_del(&it, i);
	}
	check(choose(), -1, "all have left");
}

static const struct unit_test tests[] = {
	{ "random pools",		test_random_pools },
	{ "nothing to choose",		test_nothing_to_choose },
	{ "nearest fractions",		test_nearest_fractions },
	{ "load below zero is idle",	test_load_below_zero_is_idle },
	{ "ties go round",		test_ties_go_round },
	{ "equal spread",		test_equal_spread },
	{ "sees what others add",	test_sees_what_others_add },
	{ "backup only without ordinary", test_backup_only_without_ordinary },
	{ "taken slots lose their turn", test_taken_slots_lose_their_turn },
	{ "full while nobody looks",	test_full_while_nobody_looks },
	{ "slots come and go",		test_slots_come_and_go },
	{ "a paced slot gets its share", test_a_paced_slot_gets_its_share },
	{ "a paced slot serves if no other can",
	  test_a_paced_slot_serves_if_no_other_can },
	{ "all are paced",		test_all_are_paced },
	{ "random pools with paced slots", test_random_pools_with_paced_slots },
	{ "turns of who comes",		test_turns_of_who_comes },
	{ "who leaves is chosen no more", test_who_leaves_is_chosen_no_more },
	{ "grows to the most",		test_grows_to_the_most },
};

int main(void)
{
	dice_seed(1, 0);
	return run_tests(tests, ARRAY_SIZE(tests));
}
