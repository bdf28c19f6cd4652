// SPDX-License-Identifier: GPL-2.0-only
/* What is done when no packet asks for it: connections end, and are watched. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include "entries.h"
#include "expect.h"
#include "flow.h"
#include "machine.h"
#include "say.h"
#include "talk.h"

#define SECOND	1000000000ULL

static uint64_t busy_seconds(unsigned int seconds)
{
	uint64_t begun = machine_busy();

	usleep(seconds * 1000000);
	return machine_busy() - begun;
}

/* Work of all that comes with it, within two seconds. */
static uint64_t flush(const struct world *world)
{
	uint64_t begun = machine_busy();

	entries_flush(world->entries);
	usleep(2000000);
	return machine_busy() - begun;
}

/* The deletion of a connection, less what a flush costs that deletes none. */
void run_end(struct world *world, double *values)
{
	uint64_t full;

	if (job.live)
		errx(1, "%s: a flush leaves no live connections", job.kase->name);
	talk_begin(world, world->next, job.flows);
	world->next += job.flows;
	world->old = world->next;	/* nothing is left to clean */
	usleep(1000000);
	full = flush(world);
	expect_live(world, 0);
	values[0] = ((double)full - flush(world)) / job.flows;
}

static void sleep_until(uint64_t when)
{
	const struct timespec t = { when / SECOND, when % SECOND };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) ==
	       EINTR)
		;
}

/*
 * Packets each millisecond: the longest that one has to wait until it is out.
 * As packets from a wire do, they interrupt whoever runs where he can be.
 */
static uint64_t longest_delay(struct world *world)
{
	uint64_t when = machine_now() + 1000000, longest = 0, delay;
	unsigned int i;

	machine_be_first(true);
	for (i = 0; i < 2000; i++, when += 1000000) {
		const struct words words = { .data = FLOW_DATA };

		sleep_until(when);
		talk_clients(world, i % job.live, 1, &words);
		delay = machine_now() - when;
		if (delay > longest)
			longest = delay;
	}
	machine_be_first(false);
	return longest;
}

/*
 * The live connections alone: nanoseconds of work in a second, of the longest
 * delay, bytes of memory besides conntrack's entries, and of our slabs, of a
 * connection. Slabs show if that memory is what it seems to be.
 */
void run_live(struct world *world, double *values)
{
	uint64_t memory, slabs;

	if (!job.live)
		errx(1, "%s wants live connections", job.kase->name);
	usleep(3000000);	/* what was before gives its memory back */
	memory = machine_free();
	slabs = machine_slabs("leastconn");
	talk_fill(world);
	usleep(3000000);
	values[2] = ((double)memory - machine_free()) / job.live;
	values[3] = ((double)machine_slabs("leastconn") - slabs) / job.live;
	/* In as many seconds the table is looked through once. */
	values[0] = busy_seconds(30) / 30.0;
	values[1] = longest_delay(world);
	case_empty(world);
}
