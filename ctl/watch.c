// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command watch: the backends with bars of live connections and the rate of new
 * connections, updated periodically.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "array.h"
#include "clock.h"
#include "colour.h"
#include "command.h"
#include "nl.h"
#include "screen.h"
#include "snapshot.h"

#define DEFAULT_INTERVAL	1000
#define MIN_INTERVAL		100

/* The title and the titles of the columns. */
#define TOP_LINES		2

#define MIN_NAME	7
#define MIN_BAR		6
#define STATE_WIDTH	7
#define WEIGHT_WIDTH	6
#define RATE_WIDTH	8

/* The least number of live connections for a full bar. */
#define MIN_SCALE	10

/**
 * struct watch_line - a line, which may be outside of the visible part
 * @group: the group; NULL: the backends in no group
 * @backend: a backend of the group; NULL: the title of the group
 */
struct watch_line {
	const struct group	*group;
	const struct backend	*backend;
};

/**
 * struct watch - state of the command
 * @pool: show this pool only; NULL: all pools and rules
 * @interval: time between updates in milliseconds
 * @coloured: use colours
 * @blocks: use Unicode block characters
 * @now: the latest snapshot
 * @time: time of @now in milliseconds
 * @old: backends of the previous snapshot, sorted
 * @old_time: time of @old; 0: there is none
 * @lines: array of all lines
 * @count: lines in the array
 * @room: lines allocated
 * @first: index of the first visible line
 * @rows: rows of the terminal
 * @columns: columns of the terminal
 * @name_width: width of the column of backends
 * @number_width: width of the column of live connections
 * @bar_width: width of the bars; 0: no room for bars
 * @has_state: there is room for the column of states
 * @has_weight: there is room for the column of weights
 * @has_rate: there is room for the column of new connections
 * @scale: live connections of a full bar
 */
struct watch {
	const char		*pool;
	unsigned int		interval;
	bool			coloured;
	bool			blocks;

	struct snapshot		now;
	uint64_t		time;
	struct backends		old;
	uint64_t		old_time;

	struct watch_line		*lines;
	size_t			count;
	size_t			room;
	size_t			first;

	int			rows;
	int			columns;
	int			name_width;
	int			number_width;
	int			bar_width;
	bool			has_state;
	bool			has_weight;
	bool			has_rate;
	uint32_t		scale;
};

/**
 * struct canvas - the current line of the screen, cut at the terminal's edge
 * @out: stream of the whole screen
 * @left: free columns of the line
 * @coloured: use colours
 */
struct canvas {
	FILE	*out;
	int	left;
	bool	coloured;
};

static void put_text(struct canvas *canvas, const char *style, const char *text)
{
	const char *colour = canvas->coloured ? style : "";

	fputs(colour, canvas->out);
	for (; *text; text++) {
		/* In UTF-8, only the first byte of a character takes a column. */
		if ((*text & 0xc0) != 0x80 && canvas->left-- <= 0)
			break;
		fputc(*text, canvas->out);
	}
	if (*colour)
		fputs(PLAIN, canvas->out);
	if (canvas->left < 0)
		canvas->left = 0;
}

__attribute__((format(printf, 3, 4)))
static void put(struct canvas *canvas, const char *style, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put_text(canvas, style, text);
}

static void save_old(struct watch *watch, const struct backends *backends)
{
	size_t i;

	for (i = 0; i < backends->count; i++)
		backends_add(&watch->old, &backends->at[i]);
}

static void watch_update(struct watch *watch, struct nl *nl)
{
	size_t i;

	watch->old.count = 0;
	watch->old_time = watch->time;
	for (i = 0; i < watch->now.count; i++)
		save_old(watch, &watch->now.groups[i].backends);
	save_old(watch, &watch->now.unused);
	if (watch->old.count)
		qsort(watch->old.at, watch->old.count, sizeof(*watch->old.at),
		      backend_compare);
	snapshot_free(&watch->now);
	snapshot_take(&watch->now, nl, watch->pool);
	watch->time = clock_ms();
}

/* New connections per second. Return: false if the rate is unknown. */
static bool rate_of(const struct watch *watch, const struct backend *backend,
		    double *rate)
{
	const struct backend *old = NULL;

	if (watch->old.count)
		old = bsearch(backend, watch->old.at, watch->old.count,
			      sizeof(*watch->old.at), backend_compare);
	if (!old || backend->total < old->total ||
	    watch->time <= watch->old_time)
		return false;
	*rate = (backend->total - old->total) * 1000.0 /
		(watch->time - watch->old_time);
	return true;
}

static void watch_add_line(struct watch *watch, const struct group *group,
			   const struct backend *backend)
{
	watch->lines = array_grow(watch->lines, &watch->room, watch->count,
				  sizeof(*watch->lines));
	watch->lines[watch->count++] = (struct watch_line){ group, backend };
}

static void watch_add_lines(struct watch *watch, const struct group *group,
			    const struct backends *backends)
{
	char text[BACKEND_STRLEN];
	size_t i;

	watch_add_line(watch, group, NULL);
	for (i = 0; i < backends->count; i++) {
		const struct backend *backend = &backends->at[i];
		int width = strlen(backend_format(backend, text));

		watch_add_line(watch, group, backend);
		if (width > watch->name_width)
			watch->name_width = width;
		if (backend->active > watch->scale)
			watch->scale = backend->active;
	}
}

static void watch_find_lines(struct watch *watch)
{
	size_t i;

	watch->count = 0;
	watch->name_width = strlen("Backend");
	watch->scale = MIN_SCALE;
	for (i = 0; i < watch->now.count; i++)
		watch_add_lines(watch, &watch->now.groups[i],
				&watch->now.groups[i].backends);
	if (watch->now.unused.count)
		watch_add_lines(watch, NULL, &watch->now.unused);
}

/* Drop columns that a narrow terminal has no room for, least important first. */
static void watch_find_widths(struct watch *watch)
{
	int *bar = &watch->bar_width;
	int name;

	watch->number_width = snprintf(NULL, 0, "%u", watch->scale);
	if (watch->number_width < (int)strlen("Active"))
		watch->number_width = strlen("Active");
	watch->has_state = watch->has_weight = watch->has_rate = true;
	/* One blank before each column, two before the bar. */
	*bar = watch->columns - 1 - watch->name_width - 1 - STATE_WIDTH - 1 -
	       WEIGHT_WIDTH - 2 - 1 - watch->number_width - 1 - RATE_WIDTH;
	if (*bar < MIN_BAR) {
		watch->has_weight = false;
		*bar += WEIGHT_WIDTH + 1;
	}
	if (*bar < MIN_BAR) {
		watch->has_rate = false;
		*bar += RATE_WIDTH + 1;
	}
	if (*bar >= MIN_BAR)
		return;
	*bar = 0;
	name = watch->columns - 2 - watch->number_width;
	watch->has_state = name >= watch->name_width + 1 + STATE_WIDTH;
	if (watch->name_width > name)
		watch->name_width = name < MIN_NAME ? MIN_NAME : name;
}

static const char *style_of(const struct backend *backend)
{
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
	}
	if (backend_is_full(backend))
		return MAGENTA;
	return backend->backup ? CYAN : GREEN;
}

static const char *state_of(const struct backend *backend)
{
	if (backend->state == LEASTCONN_STATE_READY &&
	    backend->health == LEASTCONN_HEALTH_IN) {
		if (backend_is_full(backend))
			return "full";
		if (backend->backup)
			return "backup";
	}
	return backend_state(backend);
}

static void put_bar(const struct watch *watch, struct canvas *canvas,
		    const struct backend *backend)
{
	static const char *const eighths[] = {
		"", "▏", "▎", "▍", "▌", "▋", "▊", "▉",
	};
	const char *style = style_of(backend);
	unsigned int length, i;

	/* In eighths of a column; a single connection is always visible. */
	length = (uint64_t)backend->active * watch->bar_width * 8 / watch->scale;
	if (backend->active && !length)
		length = 1;
	if (!watch->blocks)
		length = (length + 7) / 8 * 8;
	for (i = 0; i < length / 8; i++)
		put_text(canvas, style, watch->blocks ? "█" : "#");
	if (length % 8)
		put_text(canvas, style, eighths[length % 8]);
	for (i = (length + 7) / 8; i < (unsigned int)watch->bar_width; i++)
		put_text(canvas, "", " ");
}

static void put_rate(const struct watch *watch, struct canvas *canvas,
		     const struct backend *backend)
{
	double rate;

	if (rate_of(watch, backend, &rate))
		put(canvas, "", " %*.*f", RATE_WIDTH, rate < 1000 ? 1 : 0, rate);
	else
		put(canvas, DIM, " %*s", RATE_WIDTH, "-");
}

/* Of a name that is too long, show the end, where backends differ most. */
static void put_name(const struct watch *watch, struct canvas *canvas,
		     const struct backend *backend)
{
	char text[BACKEND_STRLEN];
	int over = (int)strlen(backend_format(backend, text)) - watch->name_width;

	if (over > 0)
		put(canvas, "", " ~%s", text + over + 1);
	else
		put(canvas, "", " %-*s", watch->name_width, text);
}

static void put_backend(const struct watch *watch, struct canvas *canvas,
			const struct backend *backend)
{
	const char *style = style_of(backend);

	put_name(watch, canvas, backend);
	if (watch->has_state)
		put(canvas, style, " %-*s", STATE_WIDTH, state_of(backend));
	if (watch->has_weight && backend->in_group)
		put(canvas, "", " %*u", WEIGHT_WIDTH, backend->weight);
	else if (watch->has_weight)
		put(canvas, DIM, " %*s", WEIGHT_WIDTH, "-");
	if (watch->bar_width) {
		put_text(canvas, "", "  ");
		put_bar(watch, canvas, backend);
	}
	put(canvas, BOLD, " %*u", watch->number_width, backend->active);
	if (watch->has_rate)
		put_rate(watch, canvas, backend);
}

static void put_heading(struct canvas *canvas, const struct group *group)
{
	char text[GROUP_TITLE_SIZE] = UNUSED_TITLE;

	if (group)
		group_format_title(group, text, sizeof(text));
	put_text(canvas, BOLD, text);
}

static void put_titles(const struct watch *watch, struct canvas *canvas)
{
	put(canvas, DIM, " %-*s", watch->name_width, "Backend");
	if (watch->has_state)
		put(canvas, DIM, " %-*s", STATE_WIDTH, "State");
	if (watch->has_weight)
		put(canvas, DIM, " %*s", WEIGHT_WIDTH, "Weight");
	if (watch->bar_width)
		put(canvas, DIM, "  %*s", watch->bar_width, "");
	put(canvas, DIM, " %*s", watch->number_width, "Active");
	if (watch->has_rate)
		put(canvas, DIM, " %*s", RATE_WIDTH, "New/s");
}

static void put_top(const struct watch *watch, struct canvas *canvas)
{
	char left[64], right[64], date[16];
	time_t now = time(NULL);
	struct tm local;
	int gap;

	localtime_r(&now, &local);
	strftime(date, sizeof(date), "%H:%M:%S", &local);
	snprintf(left, sizeof(left), "LEASTCONN %s",
		 watch->pool ? watch->pool : "");
	snprintf(right, sizeof(right), "every %g s, q leaves  %s",
		 watch->interval / 1000.0, date);
	gap = watch->columns - (int)strlen(left) - (int)strlen(right);
	put_text(canvas, REVERSE, left);
	put(canvas, REVERSE, "%*s", gap > 1 ? gap : 1, "");
	put_text(canvas, REVERSE, right);
}

/* Backends in lines @from to @to - 1. */
static size_t count_backends(const struct watch *watch, size_t from, size_t to)
{
	size_t count = 0;

	for (; from < to; from++)
		count += watch->lines[from].backend != NULL;
	return count;
}

static void put_hidden(const struct watch *watch, struct canvas *canvas,
		       size_t end)
{
	size_t above = count_backends(watch, 0, watch->first);
	size_t below = count_backends(watch, end, watch->count);

	put(canvas, REVERSE, " %zu backend%s not shown: %zu above, %zu below; arrows move ",
	    above + below, above + below == 1 ? "" : "s", above, below);
}

static void put_line(const struct watch *watch, struct canvas *canvas,
		     const struct watch_line *line)
{
	if (line->backend)
		put_backend(watch, canvas, line->backend);
	else
		put_heading(canvas, line->group);
}

/* Rows of the terminal for the lines. */
static size_t rows_for_lines(const struct watch *watch)
{
	int rows = watch->rows - TOP_LINES;

	if (rows <= 0)
		return 0;
	/* The last row tells how many backends are not shown. */
	return rows >= (int)watch->count ? rows : rows - 1;
}

static void limit_first(struct watch *watch)
{
	size_t rows = rows_for_lines(watch);
	size_t most = watch->count > rows ? watch->count - rows : 0;

	if (watch->first > most)
		watch->first = most;
}

static void end_line(struct canvas *canvas)
{
	if (canvas->left > 0)
		fputs(SCREEN_ERASE_LINE, canvas->out);
}

static void next_line(const struct watch *watch, struct canvas *canvas)
{
	end_line(canvas);
	fputs(SCREEN_NEXT_LINE, canvas->out);
	canvas->left = watch->columns;
}

/* Return: rows of the terminal used. */
static int compose(struct watch *watch, struct canvas *canvas)
{
	size_t rows = rows_for_lines(watch);
	size_t i, end = watch->first + rows;

	if (end > watch->count)
		end = watch->count;
	put_top(watch, canvas);
	if (watch->rows < TOP_LINES)
		return 1;
	next_line(watch, canvas);
	put_titles(watch, canvas);
	if (watch->rows == TOP_LINES)
		return TOP_LINES;
	for (i = watch->first; i < end; i++) {
		next_line(watch, canvas);
		put_line(watch, canvas, &watch->lines[i]);
	}
	if (watch->count && rows >= watch->count)
		return TOP_LINES + watch->count;
	next_line(watch, canvas);
	if (watch->count)
		put_hidden(watch, canvas, end);
	else
		put_text(canvas, "", "No pools, and no rules with --to");
	return TOP_LINES + (int)(end - watch->first) + 1;
}

static void watch_draw(struct watch *watch)
{
	char *picture = NULL;
	size_t length = 0;
	struct canvas canvas = {
		.out		= open_memstream(&picture, &length),
		.coloured	= watch->coloured,
	};

	if (!canvas.out)
		die("out of memory");
	screen_size(&watch->rows, &watch->columns);
	canvas.left = watch->columns;
	watch_find_lines(watch);
	watch_find_widths(watch);
	limit_first(watch);
	if (compose(watch, &canvas) < watch->rows) {
		next_line(watch, &canvas);
		fputs(SCREEN_ERASE_REST, canvas.out);
	} else {
		end_line(&canvas);
	}
	if (fclose(canvas.out) != 0)
		die("out of memory");
	screen_draw(picture, length);
	free(picture);
}

static void scroll(struct watch *watch, enum key key)
{
	size_t page = rows_for_lines(watch);
	size_t up = key == KEY_UP ? 1 : key == KEY_PAGE_UP ? page : 0;

	if (key == KEY_HOME)
		up = watch->first;
	if (key == KEY_DOWN)
		watch->first += 1;
	if (key == KEY_PAGE_DOWN)
		watch->first += page;
	watch->first -= up < watch->first ? up : watch->first;
}

/* Return: false to quit. */
static bool wait_for_update(struct watch *watch)
{
	uint64_t next = watch->time + watch->interval;
	uint64_t now;
	enum key key;

	while ((now = clock_ms()) < next) {
		key = screen_key(next - now);
		if (key == KEY_QUIT)
			return false;
		if (key != KEY_NONE) {
			scroll(watch, key);
			watch_draw(watch);
		}
	}
	return true;
}

static void watch_parse_words(struct watch *watch, char **words)
{
	for (; *words; words++) {
		if (strcmp(*words, "--interval") != 0) {
			watch->pool = args_pool(*words, watch->pool);
			continue;
		}
		watch->interval = args_seconds(words[0], words[1]);
		if (watch->interval < MIN_INTERVAL)
			die_usage("--interval \"%s\" is less than the minimum of 0.1 seconds", words[1]);
		words++;
	}
}

/* watch [POOL] [--interval SEC] */
enum status run_watch(char **words)
{
	struct watch watch = { .interval = DEFAULT_INTERVAL };
	struct nl *nl;

	watch_parse_words(&watch, words);
	if (!screen_possible())
		die_usage("watch needs a terminal; use list or monitor for a pipe or a file");
	setlocale(LC_CTYPE, "");
	watch.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	watch.coloured = colours_enabled();
	nl = nl_open();
	watch_update(&watch, nl);
	screen_open();
	do {
		watch_draw(&watch);
		if (!wait_for_update(&watch))
			break;
		watch_update(&watch, nl);
	} while (true);
	screen_close();
	nl_close(nl);
	snapshot_free(&watch.now);
	backends_free(&watch.old);
	free(watch.lines);
	return STATUS_OK;
}
