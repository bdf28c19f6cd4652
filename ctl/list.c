// SPDX-License-Identifier: GPL-2.0-only
/* The command list. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "colour.h"
#include "command.h"
#include "json.h"
#include "nl.h"
#include "snapshot.h"


/* Size of a cell's text, for a backend or a 64-bit number. */
#define CELL	(BACKEND_STRLEN + 1)

/**
 * struct column - a column of the table
 * @title: its title
 * @right: align right, for numbers
 * @write: writes the text of a cell
 * @width: width of the longest cell, computed before the table is printed
 */
struct column {
	const char	*title;
	bool		right;
	void		(*write)(const struct backend *backend, char *cell);
	int		width;
};

static void write_backend(const struct backend *backend, char *cell)
{
	backend_format(backend, cell);
}

static void write_state(const struct backend *backend, char *cell)
{
	snprintf(cell, CELL, "%s", backend_state(backend));
}

static void write_weight(const struct backend *backend, char *cell)
{
	if (backend->in_group)
		snprintf(cell, CELL, "%u", backend->weight);
	else
		strcpy(cell, "-");
}

static void write_active(const struct backend *backend, char *cell)
{
	snprintf(cell, CELL, "%u", backend->active);
}

static void write_inactive(const struct backend *backend, char *cell)
{
	snprintf(cell, CELL, "%u", backend->inactive);
}

static void write_total(const struct backend *backend, char *cell)
{
	snprintf(cell, CELL, "%" PRIu64, backend->total);
}

static void write_fails(const struct backend *backend, char *cell)
{
	snprintf(cell, CELL, "%u", backend->fails);
}

static struct column columns[] = {
	{ "Backend", false, write_backend, 0 },
	{ "State", false, write_state, 0 },
	{ "Weight", true, write_weight, 0 },
	{ "ActiveConn", true, write_active, 0 },
	{ "InActConn", true, write_inactive, 0 },
	{ "Total", true, write_total, 0 },
	{ "Fails", true, write_fails, 0 },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void list_widen(const struct backends *backends)
{
	char cell[CELL];
	size_t i, c;

	for (i = 0; i < backends->count; i++) {
		for (c = 0; c < N_COLUMNS; c++) {
			columns[c].write(&backends->at[i], cell);
			if ((int)strlen(cell) > columns[c].width)
				columns[c].width = strlen(cell);
		}
	}
}

/* All groups have the same column widths. */
static void list_find_widths(const struct snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < N_COLUMNS; i++)
		columns[i].width = strlen(columns[i].title);
	for (i = 0; i < snapshot->count; i++)
		list_widen(&snapshot->groups[i].backends);
	list_widen(&snapshot->unused);
}

static const char *colour_of(const struct backend *backend, bool coloured)
{
	if (!coloured)
		return "";
	switch (backend->state) {
	case LEASTCONN_STATE_DRAIN:
		return YELLOW;
	case LEASTCONN_STATE_DOWN:
		return RED;
	}
	switch (backend->health) {
	case LEASTCONN_HEALTH_EJECTED:
		return RED;
	case LEASTCONN_HEALTH_TRIAL:
		return YELLOW;
	default:
		return "";
	}
}

static void print_titles(FILE *out)
{
	size_t i;

	for (i = 0; i < N_COLUMNS; i++)
		fprintf(out, "  %*s",
			columns[i].right ? columns[i].width : -columns[i].width,
			columns[i].title);
	fputc('\n', out);
}

/* Attributes that few backends have follow the columns. */
static void print_row(FILE *out, const struct backend *backend, bool coloured)
{
	const char *colour = colour_of(backend, coloured);
	const char *reason = backend_reason(backend);
	char cell[CELL];
	size_t i;

	fputs(colour, out);
	for (i = 0; i < N_COLUMNS; i++) {
		columns[i].write(backend, cell);
		fprintf(out, "  %*s",
			columns[i].right ? columns[i].width : -columns[i].width,
			cell);
	}
	if (reason)
		fprintf(out, "  reason %s", reason);
	if (backend->backup)
		fputs("  backup", out);
	if (backend->max_conns)
		fprintf(out, "  max-conns %u%s", backend->max_conns,
			backend_is_full(backend) ? " (full)" : "");
	fprintf(out, "%s\n", *colour ? PLAIN : "");
}

static void print_rows(FILE *out, const struct backends *backends,
		       bool coloured)
{
	size_t i;

	print_titles(out);
	for (i = 0; i < backends->count; i++)
		print_row(out, &backends->at[i], coloured);
}

static void print_table(FILE *out, const struct snapshot *snapshot,
			bool coloured)
{
	const char *bold = coloured ? BOLD : "";
	const char *plain = coloured ? PLAIN : "";
	char title[GROUP_TITLE_SIZE];
	size_t i;

	list_find_widths(snapshot);
	for (i = 0; i < snapshot->count; i++) {
		group_format_title(&snapshot->groups[i], title, sizeof(title));
		fprintf(out, "%s%s%s%s\n", i ? "\n" : "", bold, title, plain);
		if (snapshot->groups[i].backends.count)
			print_rows(out, &snapshot->groups[i].backends, coloured);
	}
	if (snapshot->unused.count) {
		fprintf(out, "%s%s" UNUSED_TITLE "%s\n", i ? "\n" : "",
			bold, plain);
		print_rows(out, &snapshot->unused, coloured);
	} else if (!snapshot->count) {
		fputs("No pools, and no rules with --to\n", out);
	}
}

/* list [POOL] [--json] [-n] */
enum status run_list(char **words)
{
	const char *pool = NULL;
	struct snapshot snapshot;
	bool json = false;
	struct nl *nl;

	for (; *words; words++) {
		if (strcmp(*words, "--json") == 0)
			json = true;
		else if (strcmp(*words, "-n") != 0)
			pool = args_pool(*words, pool);
	}
	nl = nl_open();
	snapshot_take(&snapshot, nl, pool);
	nl_close(nl);
	if (json)
		json_print(stdout, &snapshot);
	else
		print_table(stdout, &snapshot, colours_enabled());
	snapshot_free(&snapshot);
	return STATUS_OK;
}
