/* SPDX-License-Identifier: GPL-2.0-only */
/* Monotonic time in milliseconds. */
#ifndef CTL_CLOCK_H
#define CTL_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void clock_sleep(unsigned int ms)
{
	struct timespec left = {
		.tv_sec		= ms / 1000,
		.tv_nsec	= ms % 1000 * 1000000L,
	};

	nanosleep(&left, NULL);
}

#endif /* CTL_CLOCK_H */
