// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command metrics: Prometheus text format 0.0.4. Names and labels must not
 * change: alerts and dashboards use them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "nl.h"
#include "snapshot.h"

static void print_header(FILE *out, const char *name, const char *type,
			 const char *help)
{
	fprintf(out, "# HELP leastconn_%s %s\n# TYPE leastconn_%s %s\n", name,
		help, name, type);
}

/* The name and labels of a sample without the closing brace; @pool may be NULL. */
static void print_labels(FILE *out, const char *name, const char *pool,
			 const struct backend *backend)
{
	char text[BACKEND_STRLEN];

	fprintf(out, "leastconn_%s{", name);
	if (pool)
		fprintf(out, "pool=\"%s\"%s", pool, backend ? "," : "");
	if (backend)
		fprintf(out, "backend=\"%s\",proto=\"%s\"",
			backend_format(backend, text),
			proto_name(backend->proto));
}

static void print_sample(FILE *out, const char *name, const char *pool,
			 const struct backend *backend, uint64_t value)
{
	print_labels(out, name, pool, backend);
	fprintf(out, "} %" PRIu64 "\n", value);
}

static uint64_t get_active(const struct backend *backend)
{
	return backend->active;
}

static uint64_t get_inactive(const struct backend *backend)
{
	return backend->inactive;
}

static uint64_t get_total(const struct backend *backend)
{
	return backend->total;
}

static uint64_t get_fails(const struct backend *backend)
{
	return backend->fails;
}

static uint64_t get_weight(const struct backend *backend)
{
	return backend->weight;
}

static uint64_t get_max_conns(const struct backend *backend)
{
	return backend->max_conns;
}

static uint64_t get_counted(const struct backend *backend)
{
	return backend->counted;
}

static uint64_t get_backup(const struct backend *backend)
{
	return backend->backup;
}

/* A backend on trial counts as ejected. */
static uint64_t get_ejected(const struct backend *backend)
{
	return backend->health != LEASTCONN_HEALTH_IN;
}

struct metric {
	const char	*name;
	const char	*type;
	const char	*help;
	uint64_t	(*get)(const struct backend *backend);
};

static const struct metric backend_metrics[] = {
	{ "backend_active_connections", "gauge",
	  "Live connections of the backend, by which backends are selected.",
	  get_active },
	{ "backend_inactive_connections", "gauge",
	  "Closed TCP connections of the backend that still have a conntrack entry.",
	  get_inactive },
	{ "backend_connections_total", "counter",
	  "Connections sent to the backend since it is known.", get_total },
	{ "backend_fails_total", "counter",
	  "Connections that the backend did not answer or refused.",
	  get_fails },
};

static const struct metric member_metrics[] = {
	{ "pool_backend_weight", "gauge",
	  "Share of the backend in the pool; 0: no new connections.",
	  get_weight },
	{ "pool_backend_max_connections", "gauge",
	  "Limit of counted connections of the backend in the pool; 0: no limit.",
	  get_max_conns },
	{ "pool_backend_counted_connections", "gauge",
	  "Connections of the backend that count towards its limit: live ones without long TCP handshakes.",
	  get_counted },
	{ "pool_backend_backup", "gauge",
	  "1 if the backend is used only when no ordinary one can take the connection.",
	  get_backup },
	{ "pool_backend_ejected", "gauge",
	  "1 if the backend is ejected from the pool or on trial, 0 otherwise.",
	  get_ejected },
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static void metrics_print_states(FILE *out, const struct backends *backends)
{
	uint32_t state;
	size_t i;

	print_header(out, "backend_state", "gauge",
		     "1 for the state of the backend, 0 for the other states.");
	for (i = 0; i < backends->count; i++) {
		for (state = 0; state <= LEASTCONN_STATE_MAX; state++) {
			print_labels(out, "backend_state", NULL,
				     &backends->at[i]);
			fprintf(out, ",state=\"%s\"} %d\n", state_name(state),
				backends->at[i].state == state);
		}
	}
}

static void print_backends(FILE *out, const struct backends *backends)
{
	const struct metric *metric = backend_metrics;
	size_t i;

	for (; metric < backend_metrics + N_ELEMENTS(backend_metrics); metric++) {
		print_header(out, metric->name, metric->type, metric->help);
		for (i = 0; i < backends->count; i++)
			print_sample(out, metric->name, NULL, &backends->at[i],
				     metric->get(&backends->at[i]));
	}
	metrics_print_states(out, backends);
}

/* Backends that are ejected or on trial, once for each pool and rule, sorted. */
static struct backends take_ejected(const struct snapshot *snapshot)
{
	struct backends ejected = { 0 };
	size_t i, j;

	for (i = 0; i < snapshot->count; i++) {
		const struct backends *members = &snapshot->groups[i].backends;

		for (j = 0; j < members->count; j++)
			if (get_ejected(&members->at[j]))
				backends_add(&ejected, &members->at[j]);
	}
	if (ejected.count)
		qsort(ejected.at, ejected.count, sizeof(*ejected.at),
		      backend_compare);
	return ejected;
}

/* The first of the sorted backends that does not come before @backend. */
static size_t find_first(const struct backends *sorted,
			 const struct backend *backend)
{
	size_t from = 0, to = sorted->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (backend_compare(&sorted->at[middle], backend) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void print_ejected(FILE *out, const struct backends *backends,
			  const struct snapshot *snapshot)
{
	struct backends ejected = take_ejected(snapshot);
	const struct backend *backend;
	size_t i, first, last;

	print_header(out, "backend_ejected", "gauge",
		     "Pools and rules from which the backend is ejected, or where it is on trial.");
	for (i = 0; i < backends->count; i++) {
		backend = &backends->at[i];
		first = find_first(&ejected, backend);
		for (last = first; last < ejected.count &&
		     !backend_compare(&ejected.at[last], backend); last++)
			;
		print_sample(out, "backend_ejected", NULL, backend, last - first);
	}
	backends_free(&ejected);
}

static void print_member_metric(FILE *out, const struct snapshot *snapshot,
				const struct metric *metric)
{
	const struct group *group;
	size_t i, j;

	print_header(out, metric->name, metric->type, metric->help);
	for (i = 0; i < snapshot->count; i++) {
		group = &snapshot->groups[i];
		if (!group_is_pool(group))
			continue;
		for (j = 0; j < group->backends.count; j++)
			print_sample(out, metric->name, group->pool,
				     &group->backends.at[j],
				     metric->get(&group->backends.at[j]));
	}
}

/* Only of backends that are ejected or on trial: few are. */
static void print_reasons(FILE *out, const struct snapshot *snapshot)
{
	const struct backend *backend;
	size_t i, j;

	print_header(out, "pool_backend_ejection_reason", "gauge",
		     "1, while the backend is ejected from the pool or on trial, with the reason.");
	for (i = 0; i < snapshot->count; i++) {
		const struct group *group = &snapshot->groups[i];

		if (!group_is_pool(group))
			continue;
		for (j = 0; j < group->backends.count; j++) {
			backend = &group->backends.at[j];
			if (!get_ejected(backend))
				continue;
			print_labels(out, "pool_backend_ejection_reason",
				     group->pool, backend);
			fprintf(out, ",reason=\"%s\"} 1\n",
				reason_name(backend->reason));
		}
	}
}

static void print_pools(FILE *out, const struct snapshot *snapshot)
{
	size_t i;

	print_header(out, "pool_rules", "gauge", "Rules that use the pool.");
	for (i = 0; i < snapshot->count; i++) {
		if (group_is_pool(&snapshot->groups[i]))
			print_sample(out, "pool_rules", snapshot->groups[i].pool, NULL,
				     snapshot->groups[i].rules);
	}
	for (i = 0; i < N_ELEMENTS(member_metrics); i++)
		print_member_metric(out, snapshot, &member_metrics[i]);
	print_reasons(out, snapshot);
}

enum status run_metrics(char **words)
{
	struct backends backends = { 0 };
	struct snapshot snapshot;
	struct nl *nl;

	args_none(words);
	nl = nl_open();
	backends_take(&backends, nl, NULL);
	snapshot_take(&snapshot, nl, NULL);
	nl_close(nl);
	print_backends(stdout, &backends);
	print_ejected(stdout, &backends, &snapshot);
	print_pools(stdout, &snapshot);
	backends_free(&backends);
	snapshot_free(&snapshot);
	return STATUS_OK;
}
