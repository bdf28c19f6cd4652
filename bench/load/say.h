/* SPDX-License-Identifier: GPL-2.0-only */
/* How the program fails: at once, and with the reason. */
#ifndef BENCH_SAY_H
#define BENCH_SAY_H

#include <stdio.h>
#include <stdlib.h>

#define die(fmt, ...) do {						\
	fprintf(stderr, "load: " fmt "\n", ##__VA_ARGS__);		\
	exit(1);							\
} while (0)

#define check(cond, fmt, ...) do {					\
	if (!(cond))							\
		die(fmt ": %m", ##__VA_ARGS__);				\
} while (0)

#endif
