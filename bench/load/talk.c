// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>

#include "case.h"
#include "expect.h"
#include "flow.h"
#include "talk.h"

#define CLIENT_SEQ	1000000
#define SERVER_SEQ	5000000

static struct batch batch;

void talk_init(unsigned int flows)
{
	batch_init(&batch, flows);
}

/* What one of the two says; each counts from a number of its own. */
static struct segment spoken(const struct words *words, uint32_t seq,
			     uint32_t ack)
{
	return (struct segment) {
		.seq	= seq + words->seq,
		.ack	= words->flags & TCP_ACK ? ack + words->ack : 0,
		.proto	= job.kase->proto,
		.flags	= words->flags,
		.data	= words->data,
	};
}

uint64_t talk_clients(const struct world *world, uint32_t first,
		      unsigned int count, const struct words *words)
{
	struct segment segment = spoken(words, CLIENT_SEQ, SERVER_SEQ);
	unsigned int i;

	segment.to = *job.kase->service;
	batch_empty(&batch);
	for (i = 0; i < count; i++) {
		segment.from = flow_client(first + i);
		batch_add(&batch, client_side, &segment);
	}
	return batch_send(&batch, world->clients);
}

uint64_t talk_servers(const struct world *world, uint32_t first,
		      unsigned int count, const struct words *words)
{
	struct segment segment = spoken(words, SERVER_SEQ, CLIENT_SEQ);
	unsigned int i;

	batch_empty(&batch);
	for (i = 0; i < count; i++) {
		segment.from = job.servers[i];
		segment.to = flow_client(first + i);
		batch_add(&batch, server_side, &segment);
	}
	return batch_send(&batch, world->servers);
}

uint64_t talk_begin(struct world *world, uint32_t first, unsigned int count)
{
	const struct words words = {
		.flags	= TCP_SYN,
		.data	= job.kase->proto == IPPROTO_UDP ? FLOW_DATA : 0,
	};
	const struct change new = {
		.to_servers	= count,
		.connections	= count,
		.active		= job.kase->service == &service ? count : 0,
	};
	struct state before;
	uint64_t ns;

	expect_look(world, &before);
	ns = talk_clients(world, first, count, &words);
	expect_change(&before, &new);
	return ns;
}

void talk_fill(struct world *world)
{
	struct census census;
	uint32_t there;

	world_census(world, &census);
	there = world->keeper == IPVS ? census.scheduled : census.entries;
	while (there < job.live) {
		unsigned int count = job.live - there;

		if (count > job.flows)
			count = job.flows;
		talk_begin(world, there, count);
		there += count;
	}
}
