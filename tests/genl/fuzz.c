// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: messages to the control family that no honest program would send.
 *
 *	fuzz ROUNDS SEED [FROM]
 *
 * Each is answered, by an errno that the header knows if it is refused; then
 * nothing has changed, and else all that is listed is well-formed, and as much as
 * it says it is. In the end all is deleted, and it is as it was before. What
 * there is begins anew every 500 rounds: from there a wrong one can be repeated.
 * Exit status: 0 all answers were right, 1 one was not, which ends it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "../rounds.h"
#include "clean.h"
#include "listing.h"
#include "mutant.h"

#define ANEW	500

static struct talk *talk;
static struct mutant it;
static uint64_t seed;
static unsigned long at;

/**
 * struct tally - what became of the rounds
 * @done: took effect, or were told of
 * @mutated_done: and were not as they should be
 * @silent: of those whose frame was wrong
 */
static struct {
	unsigned long	done;
	unsigned long	mutated_done;
	unsigned long	silent;
} tally;

static void say_round(void)
{
	const unsigned char *bytes = (const void *)it.nlh;

	printf("# seed %llu, round %lu (begin at %lu), %u mutations:",
	       (unsigned long long)seed, at, at - at % ANEW, it.mutations);
	for (size_t i = 0; i < it.size && i < 512; i++)
		printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
	printf("\n");
}

/* ---- what is right ---- */

static bool proper_errno(int error)
{
	static const int proper[] = { 0, EINVAL, ERANGE, ENOENT, EEXIST, EBUSY,
				      ENOSPC, EOPNOTSUPP };

	for (size_t i = 0; i < ARRAY_SIZE(proper); i++)
		if (proper[i] == error)
			return true;
	return false;
}

/* Each pool has as many lines as it says. */
static void check_listing(const char *text)
{
	unsigned int left = 0, members;

	for (const char *line = text; *line && strncmp(line, "Family ", 7);
	     line += strcspn(line, "\n") + 1) {
		if (sscanf(line, "%*s rules=%*u members=%u", &members) == 1) {
			if (left)
				die("%u backends of a pool are missing", left);
			left = members;
		} else if (left) {
			left--;
			if (!strstr(line, " weight="))
				die("no backend of a pool: %.60s", line);
		}
	}
	if (left)
		die("%u backends of the last pool are missing", left);
}

static void any_row(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh, (void)data;
}

/* Whether an answer comes, nobody knows: by a socket that is closed then. */
static void send_and_forget(void)
{
	struct talk *other = talk_open();

	if (mnl_socket_sendto(talk_socket(other), it.nlh, it.size) < 0)
		die("sending %zu bytes: %m", it.size);
	talk_close(other);
	tally.silent++;
}

static void check_answer(const struct answer *answer)
{
	if (!proper_errno(answer->error))
		die("refused for a strange reason: %s, %s",
		    strerrorname_np(answer->error), answer->text);
	if (answer->offset && (answer->offset < MNL_NLMSG_HDRLEN ||
			       answer->offset >= it.size))
		die("it points at %u of %zu", answer->offset, it.size);
	if (!answer->error)
		tally.done++;
	if (!answer->error && it.mutations)
		tally.mutated_done++;
}

static void one_round(struct listing *known)
{
	struct listing now = {};
	struct answer answer = {};

	mutant(&it, seed, at);
	talk_mark(talk, it.nlh);
	if (it.frame) {
		send_and_forget();
	} else {
		if (!talk_send(talk, it.nlh))
			die("sending %zu bytes: %m", it.size);
		if (!talk_hear(talk, &answer, any_row, NULL))
			die("no answer: %m");
		check_answer(&answer);
	}
	list_all(&now, talk);
	check_listing(now.text);
	if (answer.error && strcmp(known->text, now.text)) {
		say_difference(known->text, now.text);
		die("refused (%s), and something has changed", answer.text);
	}
	listing_free(known);
	*known = now;
}

static void expect_listing(const struct listing *wanted, const char *what)
{
	struct listing now = {};

	list_all(&now, talk);
	if (strcmp(wanted->text, now.text)) {
		say_difference(wanted->text, now.text);
		die("%s", what);
	}
	listing_free(&now);
}

/* Nothing, and then a little, so that changes find something. */
static void begin_anew(const struct listing *before)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);
	struct answer answer;

	clean(talk);
	expect_listing(before, "something is left");
	changes(message, "pool_add pool=a\npool_add pool=b\npool_add pool=web\n"
		"add pool=a addr=10.0.0.1 port=80\n"
		"add pool=a addr=10.0.0.2 port=80\n"
		"add pool=web addr=10.0.0.1 port=80\n"
		"state addr=10.0.0.3 port=80 proto=6 state=1 ahead");
	ask(talk, message, NULL, NULL, &answer);
	if (answer.error)
		die("an honest message: %s", answer.text);
	message_free(message);
}

int main(int argc, char **argv)
{
	struct listing before = {}, known = {};
	unsigned long rounds, from;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: fuzz ROUNDS SEED [FROM]\n");
		return 2;
	}
	rounds = strtoul(argv[1], NULL, 0);
	seed = strtoull(argv[2], NULL, 0);
	from = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	rounds_start();
	talk = talk_open();
	list_all(&before, talk);
	die_first = say_round;
	for (at = from; at < from + rounds; at++) {
		if (at % 4096 == 0)
			rounds_announce("fuzz: family, seed %llu, round %lu",
					(unsigned long long)seed, at);
		if (at % ANEW == 0 || at == from) {
			begin_anew(&before);
			listing_free(&known);
			list_all(&known, talk);
		}
		one_round(&known);
	}
	clean(talk);
	expect_listing(&before, "something is left");
	printf("# %lu rounds, %lu/s: %lu done, %lu of them mutated; %lu in no frame\n",
	       rounds, rounds_per_second(rounds), tally.done,
	       tally.mutated_done, tally.silent);
	return 0;
}
