// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control family, message by message: what uapi's leastconn.h promises.
 *
 *	family TEST
 *
 * runs one test in a network namespace of its own, as root. At its end all
 * pools are deleted and all backends are ready: then nothing may be left.
 * Exit status: 0 it is so, 1 it is not.
 *
 *	family --list [--short]
 *
 * prints the names of all tests, or of those that are short, a line each.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "scene.h"
#include "tests.h"

#define SHORT(name)	{ #name, test_##name, false }
#define LONG(name)	{ #name, test_##name, true }

static const struct {
	const char	*name;
	void		(*run)(void);
	bool		is_long;
} tests[] = {
	SHORT(pools),
	SHORT(backends),
	SHORT(terms),
	SHORT(settings),
	SHORT(states),
	SHORT(ahead),
	SHORT(filters),
	SHORT(bad_values),
	SHORT(missing_attributes),
	SHORT(foreign_attributes),
	SHORT(bad_lengths),
	SHORT(bad_framing),
	SHORT(commands),
	SHORT(all_or_nothing),
	SHORT(in_their_order),
	LONG(most_pools),
	LONG(most_backends),
	LONG(most_states),
	SHORT(paged_dumps),
	SHORT(a_dump_is_of_its_moment),
	SHORT(dumps_while_changing),
	SHORT(several_who_change),
	SHORT(who_may),
	SHORT(namespaces),
	SHORT(kills),
	SHORT(events),
	SHORT(events_of_load),
	SHORT(events_of_health),
	SHORT(a_slow_listener),
	SHORT(rules_that_name_a_pool),
	SHORT(rules_of_their_own),
};

static int print_names(bool only_short)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!only_short || !tests[i].is_long)
			puts(tests[i].name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "--list"))
		return print_names(argc == 3 && !strcmp(argv[2], "--short"));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc != 2 || strcmp(argv[1], tests[i].name))
			continue;
		if (unshare(CLONE_NEWNET))
			die("no namespace: %m");
		die_first = say_what;
		talk = talk_open();
		tests[i].run();
		nothing_is_left();
		return 0;
	}
	fprintf(stderr, "usage: family TEST\n");
	return 2;
}
