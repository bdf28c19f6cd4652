/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_NUMBER_H
#define BENCH_NUMBER_H

#include <err.h>
#include <stdlib.h>

static inline unsigned int number(const char *text, unsigned int least,
				  unsigned int most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n < least || n > most)
		errx(1, "'%s' is no number from %u to %u", text, least, most);
	return n;
}

#endif
