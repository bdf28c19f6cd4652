// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "expect.h"
#include "flow.h"
#include "say.h"

void expect_look(const struct world *world, struct state *state)
{
	state->world = world;
	world_census(world, &state->census);
	if (world->keeper == LEASTCONN)
		world_counts(world, &state->counts);
}

static void expect(const struct world *world, const char *what, int wanted,
		   uint64_t before, uint64_t after)
{
	int64_t got = after - before;

	if (wanted != got)
		errx(1, "%s in %s: %s: %" PRId64 ", not %d", job.kase->name,
		     world->name, what, got, wanted);
}

static bool balanced(void)
{
	return job.kase->service == &service;
}

/* Equal backends never differ by more than one connection. */
static void expect_counts(const struct state *before, const struct state *after,
			  const struct change *change)
{
	const struct world *world = before->world;
	const struct counts *counts = &after->counts;

	expect(world, "backends", world->backends, 0, counts->backends);
	expect(world, "more active connections", change->active,
	       before->counts.active, counts->active);
	expect(world, "more inactive connections", change->inactive,
	       before->counts.inactive, counts->inactive);
	if (balanced() && counts->most - counts->least > 1)
		errx(1, "%s in %s: backends have %" PRIu64 " to %" PRIu64 " connections",
		     job.kase->name, world->name, counts->least, counts->most);
}

void expect_change(const struct state *before, const struct change *change)
{
	const struct world *world = before->world;
	const bool ipvs = world->keeper == IPVS && balanced();
	struct state after;

	expect_look(world, &after);
	expect(world, "packets to servers", change->to_servers,
	       before->census.to_servers, after.census.to_servers);
	expect(world, "packets to clients", change->to_clients,
	       before->census.to_clients, after.census.to_clients);
	expect(world, "more conntrack entries", ipvs ? 0 : change->connections,
	       before->census.entries, after.census.entries);
	if (ipvs)
		expect(world, "connections by IPVS", change->connections,
		       before->census.scheduled, after.census.scheduled);
	if (world->keeper == LEASTCONN)
		expect_counts(before, &after, change);
}

static bool is_left(const struct world *world, unsigned int live)
{
	struct state now;

	expect_look(world, &now);
	if (world->keeper == IPVS)
		return now.census.entries == 0;
	if (now.census.entries != live)
		return false;
	return world->keeper != LEASTCONN ||
	       now.counts.active + now.counts.inactive == live;
}

void expect_live(const struct world *world, unsigned int live)
{
	unsigned int tries = 0;

	while (!is_left(world, live)) {
		if (++tries > 600)
			errx(1, "%s in %s: connections stay after they were deleted",
			     job.kase->name, world->name);
		usleep(50000);
	}
}

/* Chance may leave out a few. */
void expect_spread(const struct world *world, uint32_t first,
		   unsigned int count)
{
	unsigned int i, j, used = 0;

	/* IPVS gives its table by the page, each looked for from the start. */
	if (world->keeper == IPVS && job.live > 10000)
		return;
	world_servers(world, job.kase->proto, job.kase->service, first, count,
		      job.servers);
	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			if (job.servers[j].addr == job.servers[i].addr)
				break;
		used += i == j;
	}
	if (!balanced() || !world->spreads || count < 4 * world->backends)
		return;
	if (used > world->backends || used < world->backends * 9 / 10)
		errx(1, "%s in %s: %u backends were used, not %u", job.kase->name,
		     world->name, used, world->backends);
}
