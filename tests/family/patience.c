// SPDX-License-Identifier: GPL-2.0-only
/* Time, and what comes with it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "patience.h"

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

uint64_t deadline(unsigned int ms)
{
	const char *slow = getenv("LC_SLOW");

	return now_ms() + ms * (slow ? atoi(slow) : 1);
}

static void nap(void)
{
	usleep(10000);
}

/* Into a listing that is freed. */
static void await(struct place place, struct listing *listing, uint8_t cmd,
		  const char *filter, const char *wanted, unsigned int ms)
{
	uint64_t end = deadline(ms);
	struct answer answer;

	for (;;) {
		list(listing, talk, cmd, filter, &answer);
		if (!strcmp(listing->text, wanted))
			break;
		if (now_ms() > end)
			compare(place, cmd == LEASTCONN_CMD_GET_POOLS ?
				"pools" : "counts", wanted, listing->text);
		listing_free(listing);
		nap();
	}
	listing_free(listing);
}

void await_counts(struct place place, const char *wanted)
{
	struct listing listing = { .counts = true };

	await(place, &listing, LEASTCONN_CMD_GET_BACKENDS, "", wanted, 2000);
}

void await_pool(struct place place, const char *filter, const char *wanted)
{
	struct listing listing = {};

	await(place, &listing, LEASTCONN_CMD_GET_POOLS, filter, wanted, 10000);
}
