/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A batch that did not leave the balancer, or made no connection, was not
 * measured: every one is looked at before and after.
 */
#ifndef BENCH_EXPECT_H
#define BENCH_EXPECT_H

#include "world.h"

struct state {
	const struct world	*world;
	struct census		census;
	struct counts		counts;
};

/* What there is more of, or less. */
struct change {
	int	to_servers, to_clients, connections;
	int	active, inactive;	/* in our own counts */
};

void expect_look(const struct world *world, struct state *state);

/* Dies if anything else has changed since. */
void expect_change(const struct state *before, const struct change *change);

/* Waits until so many connections are left, in our counts, too. */
void expect_live(const struct world *world, unsigned int live);

/* Dies if these were not given to all backends. */
void expect_spread(const struct world *world, uint32_t first,
		   unsigned int count);

#endif
