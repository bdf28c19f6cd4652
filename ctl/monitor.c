// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command monitor: one line for each event with the time, the event's name,
 * pool and backend. Backends and attributes are written as on the command line.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "attr.h"
#include "command.h"
#include "nl.h"

static const char *const names[] = {
	[LEASTCONN_EVENT_POOL_ADDED]	= "pool-added",
	[LEASTCONN_EVENT_POOL_DELETED]	= "pool-deleted",
	[LEASTCONN_EVENT_ADDED]		= "added",
	[LEASTCONN_EVENT_CHANGED]	= "changed",
	[LEASTCONN_EVENT_DELETED]	= "deleted",
	[LEASTCONN_EVENT_STATE]		= "state",
	[LEASTCONN_EVENT_DRAINED]	= "drained",
	[LEASTCONN_EVENT_FULL]		= "full",
	[LEASTCONN_EVENT_NOT_FULL]	= "not-full",
	[LEASTCONN_EVENT_POOL_CHANGED]	= "pool-changed",
	[LEASTCONN_EVENT_EJECTED]	= "ejected",
	[LEASTCONN_EVENT_BACK]		= "back",
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void monitor_print_time(void)
{
	struct timespec now;
	struct tm local;
	char date[32], zone[8];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &local);
	strftime(zone, sizeof(zone), "%z", &local);
	printf("%s.%03ld%s", date, now.tv_nsec / 1000000, zone);
}

static void monitor_print_name(uint32_t event)
{
	if (event < N_NAMES && names[event])
		printf(" %s", names[event]);
	else
		printf(" event-%u", event);
}

static void monitor_print_backend(const struct attrs *attrs)
{
	char text[BACKEND_STRLEN];
	struct backend backend;

	if (!attrs_backend(attrs, &backend))
		return;
	printf(" %s proto %s", backend_format(&backend, text),
	       proto_name(backend.proto));
	if (attrs_have(attrs, LEASTCONN_A_WEIGHT))
		printf(" weight %u", backend.weight);
	if (attrs_have(attrs, LEASTCONN_A_MAX_CONNS))
		printf(" max-conns %u", backend.max_conns);
	if (attrs_have(attrs, LEASTCONN_A_BACKUP))
		printf(" %s", backend.backup ? "backup" : "no-backup");
	if (attrs_have(attrs, LEASTCONN_A_STATE))
		printf(" state %s", state_name(backend.state));
	if (attrs_have(attrs, LEASTCONN_A_ACTIVE))
		printf(" active %u", backend.active);
}

/* Print defaults too: a setting may have been reset to its default. */
static void monitor_print_settings(const struct attrs *attrs)
{
	char word[SETTING_STRLEN];
	enum setting_id id;

	for (id = 0; id < N_SETTINGS; id++) {
		if (!attrs_have(attrs, setting_types[id].attr))
			continue;
		setting_format(id, attrs_u32(attrs, setting_types[id].attr),
			       word);
		printf(" %s", word);
	}
}

static void monitor_print_fails(const struct attrs *attrs)
{
	printf(" fails %u", attrs_u32(attrs, LEASTCONN_A_FAILS));
}

/* Attributes that only some events have. */
static void monitor_print_details(uint32_t event, const struct attrs *attrs)
{
	switch (event) {
	case LEASTCONN_EVENT_POOL_ADDED:
	case LEASTCONN_EVENT_POOL_CHANGED:
		monitor_print_settings(attrs);
		break;
	case LEASTCONN_EVENT_EJECTED:
		monitor_print_fails(attrs);
		if (attrs_have(attrs, LEASTCONN_A_REASON))
			printf(" reason %s",
			       reason_name(attrs_u32(attrs, LEASTCONN_A_REASON)));
		break;
	case LEASTCONN_EVENT_BACK:
		monitor_print_fails(attrs);
		break;
	}
}

static void flush(void)
{
	if (fflush(stdout) != 0)
		die("cannot write the output: %s", strerror(errno));
}

static void monitor_print_event(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const char *pool;
	struct attrs attrs;
	uint32_t event;

	(void)data;
	if (genl->cmd != LEASTCONN_CMD_EVENT)
		return;
	attrs_read(nlh, &attrs);
	event = attrs_u32(&attrs, LEASTCONN_A_EVENT);
	monitor_print_time();
	monitor_print_name(event);
	pool = attrs_pool(&attrs);
	if (pool)
		printf(" %s", pool);
	monitor_print_backend(&attrs);
	monitor_print_details(event, &attrs);
	putchar('\n');
	flush();
}

static void monitor_print_lost(void)
{
	monitor_print_time();
	puts(" events-lost: they came faster than they were read");
	flush();
}

/* monitor: runs until a signal or an error ends it */
enum status run_monitor(char **words)
{
	struct nl *nl;

	args_none(words);
	nl = nl_open();
	nl_subscribe(nl);
	for (;;) {
		if (!nl_read_events(nl, monitor_print_event, NULL))
			monitor_print_lost();
	}
}
