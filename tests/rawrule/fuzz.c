// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many rules made up by dice, and whether the kernel's answers are right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../rounds.h"
#include "fuzz.h"
#include "promise.h"

/* So many wrong answers are told in words. */
#define MOST_TOLD	20

/**
 * struct tally - what became of the rounds
 * @rounds: how many there were
 * @accepted: of those
 * @framed: whose framing was mutated
 * @framed_accepted: and that were accepted
 * @wrong: answers
 */
struct tally {
	unsigned long	rounds;
	unsigned long	accepted;
	unsigned long	framed;
	unsigned long	framed_accepted;
	unsigned long	wrong;
};

/* ---- what the header promises ---- */

/* What it claims is enough. */
static bool good_structure(const struct rule *rule)
{
	return promise_is_kept(&rule->info, ipv6,
			       proto_has_ports(rule->proto) && !rule->inverted);
}

/* Its name is a good one, and there it is. */
static bool good_pool(const struct rule *rule)
{
	return !rule->info.name[0] || !strcmp(rule->info.name, POOL);
}

static bool good_place(const struct rule *rule)
{
	static const char *const chains[] = { "PREROUTING", "OUTPUT",
					      "from-pre", "unused" };

	if (strcmp(rule->table, "nat") || rule->type)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		if (!strcmp(chains[i], rule->chain))
			return true;
	return false;
}

static bool good_name(const struct door *door, const struct rule *rule)
{
	size_t len = door == &nft_door ? rule->name_len : sizeof(rule->name);

	return memchr(rule->name, '\0', len) && !strcmp(rule->name, "LEASTCONN");
}

static bool should_stand(const struct door *door, const struct rule *rule)
{
	return rule->size == sizeof(rule->info) && !rule->revision &&
	       good_name(door, rule) && good_place(rule) &&
	       good_structure(rule) && good_pool(rule);
}

/* Numbers of the front end's own, which it may look at or not. */
static bool may_stand(const struct rule *rule)
{
	return rule->patched || rule->compat.proto || rule->compat.flags ||
	       rule->revision > 255;
}

/* Our own checks know one errno, the front ends' some more. */
static bool proper_errno(const struct door *door, const struct rule *rule,
			 int err)
{
	static const int framing[] = { ENOENT, ERANGE };
	static const int offsets[] = { EAGAIN, EFAULT, ELOOP, ENOMEM };

	if (err == EINVAL)
		return true;
	/* The name of another's target, that has no such revision. */
	if (err == EPROTOTYPE)
		return !good_name(door, rule);
	for (size_t i = 0; i < ARRAY_SIZE(framing); i++)
		if (rule->framed && err == framing[i])
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		if (rule->patched && err == offsets[i])
			return true;
	return false;
}

static const char *what_is_wrong(const struct door *door,
				 const struct trial *trial)
{
	const struct rule *rule = &trial->rule;

	if (trial->err) {
		if (!proper_errno(door, rule, trial->err))
			return "refused for a strange reason";
		if (should_stand(door, rule) && !may_stand(rule))
			return "refused";
		return NULL;
	}
	if (!should_stand(door, rule) && !may_stand(rule))
		return "accepted";
	return trial->clean ? NULL : "not shown as it was sent";
}

static void judge(const struct door *door, const struct trial *trial,
		  unsigned long round, struct tally *tally)
{
	const char *wrong = what_is_wrong(door, trial);

	tally->rounds++;
	tally->accepted += !trial->err;
	tally->framed += trial->rule.framed;
	tally->framed_accepted += trial->rule.framed && !trial->err;
	if (!wrong)
		return;
	if (tally->wrong++ < MOST_TOLD)
		printf("round %lu: %s (%s): %s\n", round, wrong,
		       strerrorname_np(trial->err), trial->rule.said);
}

/* ---- rounds ---- */

static void report(const struct tally *tally)
{
	printf("%lu rounds, %lu/s: %lu accepted; ", tally->rounds,
	       rounds_per_second(tally->rounds), tally->accepted);
	printf("%lu with another framing, %lu of these accepted; ",
	       tally->framed, tally->framed_accepted);
	printf("%lu wrong answers\n", tally->wrong);
}

/* Return: 0 when all answers were right, or 1. */
int fuzz(const struct door *door, uint64_t seed, unsigned long from,
	 unsigned long rounds)
{
	static struct trial trials[MOST_TRIALS];
	struct tally tally = {};
	unsigned long left;
	unsigned int count;

	rounds_start();
	for (unsigned long at = from; at < from + rounds; at += count) {
		left = from + rounds - at;
		count = left < MOST_TRIALS ? left : MOST_TRIALS;
		if ((at - from) % (8 * MOST_TRIALS) == 0)
			rounds_announce("rawrule: %s %d fuzz, seed %llu, round %lu",
					door->name, ipv6 ? 6 : 4,
					(unsigned long long)seed, at);
		for (unsigned int i = 0; i < count; i++)
			mutant(&trials[i].rule, door, seed, at + i);
		door->try(trials, count);
		for (unsigned int i = 0; i < count; i++)
			judge(door, &trials[i], at + i, &tally);
	}
	door->finish();
	report(&tally);
	return tally.wrong ? 1 : 0;
}
