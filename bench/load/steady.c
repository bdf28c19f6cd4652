// SPDX-License-Identifier: GPL-2.0-only
/* Connections that stand: data both ways. */
#include "case.h"
#include "expect.h"
#include "flow.h"
#include "talk.h"

static void find_servers(const struct world *world)
{
	world_servers(world, job.kase->proto, job.kase->service, world->old,
		      job.flows, job.servers);
}

void setup_established(struct world *world)
{
	const struct words syn_ack = { TCP_SYN | TCP_ACK, 0, 0, 1 };
	const struct words ack = { TCP_ACK, 0, 1, 1 };

	talk_begin(world, world->next, job.flows);
	world->next += job.flows;
	find_servers(world);
	talk_servers(world, world->old, job.flows, &syn_ack);
	talk_clients(world, world->old, job.flows, &ack);
	world->said = 1;
}

/* A packet of each to the servers, then one back. */
void run_established(struct world *world, double *values)
{
	const uint32_t said = world->said, says = said + FLOW_DATA;
	const struct words to = { TCP_ACK | TCP_PSH, FLOW_DATA, said, said };
	const struct words from = { TCP_ACK | TCP_PSH, FLOW_DATA, said, says };
	const unsigned int n = job.flows;
	const struct change packets = { .to_servers = n, .to_clients = n };
	struct state before;

	find_servers(world);
	expect_look(world, &before);
	values[0] = (double)talk_clients(world, world->old, n, &to) / n;
	values[1] = (double)talk_servers(world, world->old, n, &from) / n;
	expect_change(&before, &packets);
	world->said = says;
}
