// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "say.h"

uint64_t machine_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void machine_be_first(bool first)
{
	const struct sched_param priority = { .sched_priority = first };

	check(!sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER,
				  &priority), "sched_setscheduler");
}

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "re");

	check(file, "%s", path);
	return file;
}

/* The first number in a file that follows @format's words at a line's begin. */
static uint64_t number_in(const char *path, const char *format)
{
	FILE *file = open_file(path);
	uint64_t number;
	char line[256];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, format, &number) == 1) {
			fclose(file);
			return number;
		}
	errx(1, "%s has no '%s'", path, format);
}

/* Interrupts that wake it up are no idle time; one processor. */
uint64_t machine_busy(void)
{
	uint64_t idle = number_in("/proc/timer_list",
				  " .idle_sleeptime : %" SCNu64);

	return machine_now() - idle;
}

uint64_t machine_slabs(const char *prefix)
{
	FILE *file = open_file("/proc/slabinfo");
	uint64_t bytes = 0, pages, slabs;
	char line[512], name[64];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %*u %*u %*u %*u %" SCNu64
			   " : tunables %*u %*u %*u : slabdata %*u %" SCNu64,
			   name, &pages, &slabs) == 3 &&
		    !strncmp(name, prefix, strlen(prefix)))
			bytes += slabs * pages * getpagesize();
	fclose(file);
	return bytes;
}

/* Free pages that a processor has at hand, which nobody else counts as free. */
static uint64_t pages_at_hand(void)
{
	FILE *file = open_file("/proc/zoneinfo");
	uint64_t pages = 0, count;
	char line[256];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %" SCNu64, &count) == 1)
			pages += count;
	fclose(file);
	return pages;
}

/* We read no file in between, so caches do not matter. Conntrack keeps its free slabs. */
uint64_t machine_free(void)
{
	return number_in("/proc/meminfo", "MemFree: %" SCNu64) * 1024 +
	       pages_at_hand() * getpagesize() + machine_slabs("nf_conntrack");
}
