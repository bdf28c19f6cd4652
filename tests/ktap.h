/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests in C: run them in order, print KTAP. */
#ifndef TESTS_KTAP_H
#define TESTS_KTAP_H

#include <stdarg.h>
#include <stdio.h>

struct unit_test {
	const char	*name;
	void		(*run)(void);
};

/* Of the test that runs; only the first counts. */
static const char *failure;

__attribute__((format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	static char text[200];
	va_list arguments;

	if (failure)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	failure = text;
}

/* Return: the exit status. */
static int run_tests(const struct unit_test *tests, unsigned int count)
{
	int status = 0;

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

#endif /* TESTS_KTAP_H */
