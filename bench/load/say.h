/* SPDX-License-Identifier: GPL-2.0-only */
/* How the program fails: at once, and with the reason. */
#ifndef BENCH_SAY_H
#define BENCH_SAY_H

#include <err.h>

#define check(cond, ...) do {						\
	if (!(cond))							\
		err(1, __VA_ARGS__);					\
} while (0)

#endif
