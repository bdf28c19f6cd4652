// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every batch is looked at before and after: what did not leave the balancer,
 * or made no connection, was not measured.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "entries.h"
#include "flow.h"
#include "say.h"

static const struct kase *it;
static unsigned int size;	/* flows in a batch */
static unsigned int live;	/* flows that are there all the time */
static struct batch batch;
static struct end *servers;

/* Of both worlds, at their time. */
struct state {
	const struct world	*world;
	struct census		census;
	struct counts		counts;
};

static void look(const struct world *world, struct state *state)
{
	state->world = world;
	world_census(world, &state->census);
	if (world->keeper == LEASTCONN)
		world_counts(world, &state->counts);
}

static void expect(const struct world *world, const char *what,
		   uint64_t wanted, uint64_t got)
{
	if (wanted != got)
		die("%s in %s: %s: %" PRIu64 ", not %" PRIu64, it->name,
		    world->name, what, got, wanted);
}

/* What must have changed since @before. */
struct change {
	unsigned int	to_servers, to_clients, connections;
	int		active, inactive;
};

static void expect_change(const struct state *before,
			  const struct change *change)
{
	const struct world *world = before->world;
	struct state now;

	look(world, &now);
	expect(world, "packets to servers", change->to_servers,
	       now.census.to_servers - before->census.to_servers);
	expect(world, "packets to clients", change->to_clients,
	       now.census.to_clients - before->census.to_clients);
	expect(world, "connections made", change->connections,
	       now.census.connections - before->census.connections);
	if (world->keeper != LEASTCONN)
		return;
	expect(world, "backends", world->backends, now.counts.backends);
	expect(world, "more active connections", change->active,
	       now.counts.active - before->counts.active);
	expect(world, "more inactive connections", change->inactive,
	       now.counts.inactive - before->counts.inactive);
	if (now.counts.most - now.counts.least > 1)
		die("%s in %s: backends have %" PRIu64 " to %" PRIu64 " connections",
		    it->name, world->name, now.counts.least, now.counts.most);
}

/* ---- packets ---- */

static struct segment from_client(uint32_t flow, uint8_t flags, uint32_t seq,
				  uint32_t ack, uint8_t data)
{
	return (struct segment) {
		.from	= flow_client(flow),
		.to	= *it->service,
		.seq	= FLOW_CLIENT_SEQ + seq,
		.ack	= flags & TCP_ACK ? FLOW_SERVER_SEQ + ack : 0,
		.proto	= it->proto,
		.flags	= flags,
		.data	= data,
	};
}

/* The same from one of the servers; @seq and @ack are its own. */
static struct segment from_server(uint32_t flow, const struct end *server,
				  uint8_t flags, uint32_t seq, uint32_t ack,
				  uint8_t data)
{
	return (struct segment) {
		.from	= *server,
		.to	= flow_client(flow),
		.seq	= FLOW_SERVER_SEQ + seq,
		.ack	= FLOW_CLIENT_SEQ + ack,
		.proto	= it->proto,
		.flags	= flags,
		.data	= data,
	};
}

/* One packet of each flow; returns nanoseconds of all. */
static uint64_t clients_send(const struct world *world, uint32_t first,
			     unsigned int count, uint8_t flags, uint32_t seq,
			     uint32_t ack, uint8_t data)
{
	unsigned int i;

	batch_empty(&batch);
	for (i = 0; i < count; i++) {
		struct segment segment = from_client(first + i, flags, seq,
						     ack, data);

		batch_add(&batch, client_side, &segment);
	}
	return batch_send(&batch, world->clients);
}

static uint64_t servers_send(const struct world *world, uint32_t first,
			     unsigned int count, uint8_t flags, uint32_t seq,
			     uint32_t ack, uint8_t data)
{
	unsigned int i;

	batch_empty(&batch);
	for (i = 0; i < count; i++) {
		struct segment segment = from_server(first + i, &servers[i],
						     flags, seq, ack, data);

		batch_add(&batch, server_side, &segment);
	}
	return batch_send(&batch, world->servers);
}

/* The first packet of each of @count flows. */
static uint64_t begin(struct world *world, uint32_t first, unsigned int count)
{
	return clients_send(world, first, count, TCP_SYN, 0, 0,
			    it->proto == IPPROTO_UDP ? FLOW_DATA : 0);
}

static uint64_t begin_new(struct world *world)
{
	const struct change new = {
		.to_servers	= size,
		.connections	= size,
		.active		= it->service == &service ? size : 0,
	};
	struct state before;
	uint64_t ns;

	look(world, &before);
	ns = begin(world, world->next, size);
	expect_change(&before, &new);
	world->next += size;
	return ns;
}

static void learn_servers(struct world *world, uint32_t first)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		struct end client = flow_client(first + i);

		if (!entries_server(world->entries, it->proto, &client,
				    it->service, &servers[i]))
			die("%s in %s: a connection is not there", it->name,
			    world->name);
	}
}

/* ---- cases ---- */

static double run_new(struct world *world)
{
	return (double)begin_new(world) / size;
}

/* Handshake, data both ways, both ends close: 8 packets. */
static double run_life(struct world *world)
{
	const struct change life = {
		.to_servers	= 4 * size,
		.to_clients	= 3 * size,
		.active		= -size,
		.inactive	= size,
	};
	const uint32_t first = world->next;
	const uint8_t d = FLOW_DATA;
	struct state before;
	uint64_t ns;

	ns = begin_new(world);
	learn_servers(world, first);
	look(world, &before);
	ns += servers_send(world, first, size, TCP_SYN | TCP_ACK, 0, 1, 0);
	ns += clients_send(world, first, size, TCP_ACK, 1, 1, 0);
	ns += clients_send(world, first, size, TCP_ACK | TCP_PSH, 1, 1, d);
	ns += servers_send(world, first, size, TCP_ACK | TCP_PSH, 1, 1 + d, d);
	ns += clients_send(world, first, size, TCP_ACK | TCP_FIN, 1 + d, 1 + d,
			   0);
	ns += servers_send(world, first, size, TCP_ACK | TCP_FIN, 1 + d, 2 + d,
			   0);
	ns += clients_send(world, first, size, TCP_ACK, 2 + d, 2 + d, 0);
	expect_change(&before, &life);
	return (double)ns / size;
}

/* ---- before and after ---- */

static void fill_one(struct world *world, uint32_t first, unsigned int count)
{
	const struct change more = {
		.to_servers	= count,
		.connections	= count,
		.active		= count,
	};
	struct state before;

	look(world, &before);
	begin(world, first, count);
	expect_change(&before, &more);
}

/* Those of an earlier program that ran in this world stay. */
void case_fill(struct world *world)
{
	struct census census;
	uint32_t there;

	world_census(world, &census);
	there = census.connections;
	while (there < live) {
		unsigned int count = live - there < size ? live - there : size;

		fill_one(world, there, count);
		there += count;
	}
}

static bool is_clean(const struct world *world)
{
	struct state now;

	look(world, &now);
	if (now.census.connections != live)
		return false;
	return world->keeper != LEASTCONN ||
	       now.counts.active + now.counts.inactive == live;
}

/*
 * The batches' flows go, the live ones stay. IPVS' connections cannot be
 * ended one by one, and the choice of IPVS does not look at how many there are.
 */
void case_clean(struct world *world)
{
	unsigned int tries = 0;

	if (world->keeper == IPVS)
		return;
	for (; world->old != world->next; world->old++) {
		struct end client = flow_client(world->old);

		if (!entries_delete(world->entries, it->proto, &client,
				    it->service))
			die("%s in %s: a connection has gone early", it->name,
			    world->name);
	}
	while (!is_clean(world)) {
		if (++tries > 600)
			die("%s in %s: connections stay after they were deleted",
			    it->name, world->name);
		usleep(50000);
	}
	/* What RCU frees later shall not be in anybody's batch. */
	usleep(500000);
}

/* ---- one after another ---- */

static const struct kase cases[] = {
	{ "udp-new", IPPROTO_UDP, 512, 1, NULL, run_new, &service },
	{ "tcp-syn", IPPROTO_TCP, 512, 1, NULL, run_new, &service },
	{ "tcp-life", IPPROTO_TCP, 256, 1, NULL, run_life, &service },
};

const struct kase *case_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

void case_init(const struct kase *kase, unsigned int flows, unsigned int fill)
{
	it = kase;
	size = flows ? flows : kase->batch;
	live = fill;
	batch_init(&batch, size);
	servers = calloc(size, sizeof(*servers));
	check(servers, "memory");
}

void case_setup(struct world *world)
{
	if (it->setup)
		it->setup(world);
}

double case_run(struct world *world)
{
	return it->run(world);
}
