// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin SECONDS: turns in a loop and looks at the processor's own clock. Where
 * that jumps, somebody else had the processor. Prints the share that others had,
 * in percent, and the longest time in one piece, in microseconds. What takes
 * longer than any work of the guest was the host's, and is no part of anything.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A turn takes some 30 cycles, and the least interruption thousands. */
#define JUMP	2000
#define HOST	0.02	/* seconds */

static inline uint64_t cycles(void)
{
	return __builtin_ia32_rdtsc();
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double cycles_per_second(void)
{
	const double begun = seconds();
	const uint64_t from = cycles();

	while (seconds() < begun + 0.2)
		;
	return (cycles() - from) / (seconds() - begun);
}

int main(int argc, char **argv)
{
	uint64_t now, last, until, jump, all = 0, lost = 0, longest = 0;
	double rate;

	if (argc != 2) {
		fprintf(stderr, "usage: spin SECONDS\n");
		return 2;
	}
	rate = cycles_per_second();
	last = cycles();
	until = last + (uint64_t)(atof(argv[1]) * rate);
	while (last < until) {
		now = cycles();
		jump = now - last;
		last = now;
		if (jump > HOST * rate)
			continue;
		all += jump;
		if (jump < JUMP)
			continue;
		lost += jump;
		if (jump > longest)
			longest = jump;
	}
	printf("%.4f\t%.1f\n", 100.0 * lost / all,
	       longest / rate * 1e6);
	return 0;
}
