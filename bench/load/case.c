// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "entries.h"
#include "expect.h"
#include "flow.h"
#include "say.h"
#include "talk.h"

#define UDP IPPROTO_UDP
#define TCP IPPROTO_TCP

struct job job;

/* The part of a name before the first dash is the protocol; bench/guest looks. */
static const struct kase cases[] = {
	{ "udp-new", UDP, 512, &service, .run = run_new,
	  .values = { "udp-new" } },
	{ "udp-other", UDP, 512, &other, .run = run_new,
	  .values = { "udp-other" } },
	{ "udp-end", UDP, 4096, &service, .run = run_end,
	  .values = { "udp-end" } },
	{ "udp-live", UDP, 1024, &service, .run = run_live, .once = true,
	  .values = { "live-work", "live-longest", "live-memory",
		      "live-slabs" } },
	{ "tcp-syn", TCP, 512, &service, .run = run_new,
	  .values = { "tcp-syn" } },
	{ "tcp-life", TCP, 256, &service, .run = run_life,
	  .values = { "tcp-life", "tcp-close" } },
	{ "tcp-est", TCP, 256, &service, .run = run_established,
	  .setup = setup_established,
	  .values = { "tcp-est-to", "tcp-est-from" } },
	{ "tcp-other", TCP, 256, &other, .run = run_established,
	  .setup = setup_established,
	  .values = { "tcp-other-to", "tcp-other-from" } },
};

const struct kase *case_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

void case_init(const struct kase *kase, unsigned int flows, unsigned int live)
{
	job.kase = kase;
	job.flows = flows ? flows : kase->flows;
	job.live = live;
	job.servers = calloc(job.flows, sizeof(*job.servers));
	check(job.servers, "memory");
	talk_init(job.flows);
}

static void delete_flows(struct world *world)
{
	for (; world->old != world->next; world->old++) {
		struct end client = flow_client(world->old);

		if (!entries_delete(world->entries, job.kase->proto, &client,
				    job.kase->service))
			errx(1, "%s in %s: a connection has gone early",
			     job.kase->name, world->name);
	}
}

/*
 * The batches' flows go, the live ones stay. IPVS' connections cannot be ended
 * one by one; its choice does not look at how many there are.
 */
void case_clean(struct world *world)
{
	if (world->keeper == IPVS && job.kase->service == &service)
		return;
	delete_flows(world);
	expect_live(world, job.kase->once ? 0 : job.live);
	/* What RCU frees later shall not be in anybody's batch. */
	usleep(job.rest * 1000);
}

/*
 * Live ones would be watched while we wait for the host's files, and their
 * tuples are the next program's, too.
 */
void case_empty(const struct world *world)
{
	entries_flush(world->entries);
	expect_live(world, 0);
}
