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

#include "../array.h"
#include "ask.h"
#include "scene.h"
#include "tests.h"

#define SHORT(name)	{ #name, test_##name, false },
#define LONG(name)	{ #name, test_##name, true },

static const struct {
	const char	*name;
	void		(*run)(void);
	bool		is_long;
} tests[] = {
	EACH_TEST(SHORT, LONG)
};

static int print_names(bool only_short)
{
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!only_short || !tests[i].is_long)
			puts(tests[i].name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "--list"))
		return print_names(argc == 3 && !strcmp(argv[2], "--short"));
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
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
