// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command save: print the pools as commands that restore them into an empty
 * namespace. Attributes with their default value are omitted.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "nl.h"
#include "snapshot.h"

static void print_state(const struct backend *backend)
{
	if (backend->state != LEASTCONN_STATE_READY)
		printf(" state %s", state_name(backend->state));
}

/* The default is the protocol of the pool, which for an empty pool is TCP. */
static void print_proto(const struct backend *backend)
{
	if (backend->port && backend->proto != IPPROTO_TCP)
		printf(" proto %s", proto_name(backend->proto));
}

static void print_member(const char *pool, const struct backend *backend)
{
	char text[BACKEND_STRLEN];

	printf("add %s %s", pool, backend_format(backend, text));
	print_proto(backend);
	if (backend->weight != DEFAULT_WEIGHT)
		printf(" weight %u", backend->weight);
	if (backend->max_conns)
		printf(" max-conns %u", backend->max_conns);
	if (backend->backup)
		printf(" backup");
	print_state(backend);
	putchar('\n');
}

static void print_pool(const struct group *group)
{
	char settings[SETTINGS_STRLEN];
	struct settings defaults;
	size_t i;

	settings_init_pool(&defaults);
	settings_format(&group->settings, &defaults, " ", settings,
			sizeof(settings));
	printf("pool add %s%s\n", group->pool, settings);
	for (i = 0; i < group->backends.count; i++)
		print_member(group->pool, &group->backends.at[i]);
}

/*
 * The states of backends that are in no pool: they are in rules, or may be added
 * again. The protocol is always printed: without it the command applies to other
 * backends of the address as well.
 */
static void save_print_states(const struct backends *backends)
{
	char text[BACKEND_STRLEN];
	size_t i;

	for (i = 0; i < backends->count; i++) {
		const struct backend *backend = &backends->at[i];

		if (backend->state != LEASTCONN_STATE_READY)
			printf("%s %s proto %s\n", state_name(backend->state),
			       backend_format(backend, text),
			       proto_name(backend->proto));
	}
}

enum status run_save(char **words)
{
	struct snapshot snapshot;
	struct nl *nl;
	size_t i;

	args_none(words);
	nl = nl_open();
	snapshot_take_pools(&snapshot, nl);
	nl_close(nl);
	for (i = 0; i < snapshot.count; i++)
		print_pool(&snapshot.groups[i]);
	save_print_states(&snapshot.unused);
	snapshot_free(&snapshot);
	return STATUS_OK;
}
