// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "rounds.h"

static struct timespec start;

void rounds_announce(const char *format, ...)
{
	static int kmsg = -1;
	char text[256];
	va_list args;

	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_WRONLY);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dprintf(kmsg, "<6>%s\n", text);
}

void rounds_start(void)
{
	clock_gettime(CLOCK_MONOTONIC, &start);
}

unsigned long rounds_per_second(unsigned long rounds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return rounds * 1000 / ((now.tv_sec - start.tv_sec) * 1000 +
				(now.tv_nsec - start.tv_nsec) / 1000000 + 1);
}
