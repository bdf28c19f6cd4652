// SPDX-License-Identifier: GPL-2.0-only
/* Connections begin, and live their lives. */
#include "case.h"
#include "expect.h"
#include "flow.h"
#include "talk.h"

#define D FLOW_DATA

static uint64_t begin_new(struct world *world)
{
	uint64_t ns = talk_begin(world, world->next, job.flows);

	if (job.trial)
		expect_spread(world, world->next, job.flows);
	world->next += job.flows;
	return ns;
}

void run_new(struct world *world, double *values)
{
	values[0] = (double)begin_new(world) / job.flows;
}

/* Handshake and data both ways. */
static uint64_t talk_open(const struct world *world, uint32_t first)
{
	static const struct words words[] = {
		{ TCP_SYN | TCP_ACK, 0, 0, 1 },
		{ TCP_ACK, 0, 1, 1 },
		{ TCP_ACK | TCP_PSH, D, 1, 1 },
		{ TCP_ACK | TCP_PSH, D, 1, 1 + D },
	};
	const unsigned int n = job.flows;

	return talk_servers(world, first, n, &words[0]) +
	       talk_clients(world, first, n, &words[1]) +
	       talk_clients(world, first, n, &words[2]) +
	       talk_servers(world, first, n, &words[3]);
}

/* The client's end first. */
static uint64_t talk_close(const struct world *world, uint32_t first)
{
	static const struct words words[] = {
		{ TCP_ACK | TCP_FIN, 0, 1 + D, 1 + D },
		{ TCP_ACK | TCP_FIN, 0, 1 + D, 2 + D },
		{ TCP_ACK, 0, 2 + D, 2 + D },
	};
	const unsigned int n = job.flows;

	return talk_clients(world, first, n, &words[0]) +
	       talk_servers(world, first, n, &words[1]) +
	       talk_clients(world, first, n, &words[2]);
}

/* All of it, 8 packets, and the last three of them. */
void run_life(struct world *world, double *values)
{
	const int n = job.flows;
	const struct change life = {
		.to_servers	= 4 * n,
		.to_clients	= 3 * n,
		.active		= -n,
		.inactive	= n,
	};
	const uint32_t first = world->next;
	uint64_t begun, open, closed;
	struct state before;

	begun = begin_new(world);
	world_servers(world, job.kase->proto, job.kase->service, first, n,
		      job.servers);
	expect_look(world, &before);
	open = talk_open(world, first);
	closed = talk_close(world, first);
	expect_change(&before, &life);
	values[0] = (double)(begun + open + closed) / n;
	values[1] = (double)closed / n;
}
