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

#include "../array.h"
#include "ask.h"
#include "scene.h"
#include "tests.h"

static const struct {
	const char	*name;
	void		(*run)(void);
} tests[] = {
#define TEST_ENTRY(name)	{ #name, test_##name },
	EACH_TEST(TEST_ENTRY)
};

int main(int argc, char **argv)
{
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
