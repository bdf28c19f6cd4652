// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control family, message by message: what uapi's leastconn.h promises.
 *
 *	family TEST
 *
 * runs one test in a network namespace of its own, as root. At its end all
 * pools are deleted and all backends are ready: then nothing may be left.
 * Exit status: 0 it is so, 1 it is not.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "scene.h"
#include "tests.h"

static const struct {
	const char	*name;
	void		(*run)(void);
} tests[] = {
	{ "pools",		test_pools },
	{ "backends",		test_backends },
	{ "terms",		test_terms },
	{ "settings",		test_settings },
	{ "states",		test_states },
	{ "ahead",		test_ahead },
	{ "filters",		test_filters },
	{ "bad_values",		test_bad_values },
	{ "missing_attributes",	test_missing_attributes },
	{ "foreign_attributes",	test_foreign_attributes },
	{ "bad_lengths",	test_bad_lengths },
	{ "bad_framing",	test_bad_framing },
	{ "commands",		test_commands },
	{ "all_or_nothing",	test_all_or_nothing },
	{ "in_their_order",	test_in_their_order },
	{ "most_pools",		test_most_pools },
	{ "most_backends",	test_most_backends },
	{ "most_states",	test_most_states },
	{ "paged_dumps",	test_paged_dumps },
	{ "a_dump_is_of_its_moment", test_a_dump_is_of_its_moment },
	{ "dumps_while_changing", test_dumps_while_changing },
	{ "several_who_change",	test_several_who_change },
	{ "who_may",		test_who_may },
	{ "namespaces",		test_namespaces },
	{ "kills",		test_kills },
	{ "events",		test_events },
	{ "events_of_load",	test_events_of_load },
	{ "events_of_health",	test_events_of_health },
	{ "a_slow_listener",	test_a_slow_listener },
	{ "rules_that_name_a_pool", test_rules_that_name_a_pool },
	{ "rules_of_their_own",	test_rules_of_their_own },
};

int main(int argc, char **argv)
{
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
