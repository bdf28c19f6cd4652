// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of list as a picture that moves: bars of live connections, and how
 * many new ones come in a second.
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

/* Title and the line above the columns. */
#define TOP_LINES		2

#define MIN_NAME	7
#define MIN_BAR		6
#define STATE_WIDTH	7
#define WEIGHT_WIDTH	6
#define RATE_WIDTH	8

/* Bars have this many live connections at least from end to end. */
#define MIN_SCALE	10

/**
 * struct line - of what can be shown, before it is known how much of it fits
 * @group: it is its heading, or its backend; NULL: of those in no group
 * @backend: NULL: a heading
 */
struct line {
	const struct group	*group;
	const struct backend	*backend;
};

/**
 * struct watch - the picture and what it is of
 * @pool: that one alone; NULL: all
 * @interval: from picture to picture, in milliseconds
 * @coloured: with colours
 * @blocks: with Unicode's block characters
 * @now: what is there
 * @time: when that was
 * @old: the backends before, sorted
 * @old_time: when that was; 0: there was none
 * @lines: all that could be shown
 * @count: how many
 * @room: how many there could be
 * @first: of the lines that are shown
 * @rows: of the terminal
 * @columns: of the terminal
 * @name_width: of the widest backend
 * @number_width: of the greatest number of connections
 * @bar_width: what is left for bars
 * @has_state: the terminal is wide enough for it; so the next
 * @has_weight: for this
 * @has_rate: for this
 * @scale: connections of a bar that goes from end to end
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

	struct line		*lines;
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
 * struct canvas - a line of the picture, cut at the terminal's edge
 * @out: the picture
 * @left: columns that are free
 * @coloured: with colours
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
		/* A character's first byte takes a column, others none. */
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

static void keep_old(struct watch *watch, const struct backends *backends)
{
	size_t i;

	for (i = 0; i < backends->count; i++) {
		backends_add(&watch->old, &backends->at[i]);
	}
}

static void look(struct watch *watch, struct nl *nl)
{
	size_t i;

	watch->old.count = 0;
	watch->old_time = watch->time;
	for (i = 0; i < watch->now.count; i++)
		keep_old(watch, &watch->now.groups[i].backends);
	keep_old(watch, &watch->now.unused);
	if (watch->old.count)
		qsort(watch->old.at, watch->old.count, sizeof(*watch->old.at),
		      backend_compare);
	snapshot_free(&watch->now);
	snapshot_take(&watch->now, nl, watch->pool);
	watch->time = clock_ms();
}

/* New connections a second. Return: false if that is not known. */
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

static void add_line(struct watch *watch, const struct group *group,
		     const struct backend *backend)
{
	watch->lines = array_grow(watch->lines, &watch->room, watch->count,
				  sizeof(*watch->lines));
	watch->lines[watch->count++] = (struct line){ group, backend };
}

static void add_lines(struct watch *watch, const struct group *group,
		      const struct backends *backends)
{
	char text[BACKEND_STRLEN];
	size_t i;

	add_line(watch, group, NULL);
	for (i = 0; i < backends->count; i++) {
		const struct backend *backend = &backends->at[i];
		int width = strlen(backend_format(backend, text));

		add_line(watch, group, backend);
		if (width > watch->name_width)
			watch->name_width = width;
		if (backend->active > watch->scale)
			watch->scale = backend->active;
	}
}

static void find_lines(struct watch *watch)
{
	size_t i;

	watch->count = 0;
	watch->name_width = strlen("Backend");
	watch->scale = MIN_SCALE;
	for (i = 0; i < watch->now.count; i++)
		add_lines(watch, &watch->now.groups[i],
			  &watch->now.groups[i].backends);
	if (watch->now.unused.count)
		add_lines(watch, NULL, &watch->now.unused);
}

/* What a terminal is too narrow for goes, the least important first. */
static void find_widths(struct watch *watch)
{
	int *bar = &watch->bar_width;
	int name;

	watch->number_width = snprintf(NULL, 0, "%u", watch->scale);
	if (watch->number_width < (int)strlen("Active"))
		watch->number_width = strlen("Active");
	watch->has_state = watch->has_weight = watch->has_rate = true;
	/* A blank before each column, another one before the bar. */
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
	if (backend_full(backend))
		return MAGENTA;
	return backend->backup ? CYAN : GREEN;
}

static const char *state_of(const struct backend *backend)
{
	if (backend->state == LEASTCONN_STATE_READY &&
	    backend->health == LEASTCONN_HEALTH_IN) {
		if (backend_full(backend))
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

	/* In eighths of a column; a single connection is to be seen. */
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

/* Of one too long its end is shown, which differs most. */
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
	if (watch->has_weight && backend->has_terms)
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

/* Backends among the lines from one to before another. */
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
		     const struct line *line)
{
	if (line->backend)
		put_backend(watch, canvas, line->backend);
	else
		put_heading(canvas, line->group);
}

/* Lines of the terminal that are left for those of the snapshot. */
static size_t rows_for_lines(const struct watch *watch)
{
	int rows = watch->rows - TOP_LINES;

	if (rows <= 0)
		return 0;
	/* The last one says what is not shown. */
	return rows >= (int)watch->count ? rows : rows - 1;
}

static void keep_first_sensible(struct watch *watch)
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

/* Return: how many lines of the terminal are taken. */
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

static void draw(struct watch *watch)
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
	find_lines(watch);
	find_widths(watch);
	keep_first_sensible(watch);
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

static void move(struct watch *watch, enum key key)
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

/* Return: false to leave. */
static bool wait_for_next(struct watch *watch)
{
	uint64_t next = watch->time + watch->interval;
	uint64_t now;
	enum key key;

	while ((now = clock_ms()) < next) {
		key = screen_key(next - now);
		if (key == KEY_QUIT)
			return false;
		if (key != KEY_NONE) {
			move(watch, key);
			draw(watch);
		}
	}
	return true;
}

static void take_words(struct watch *watch, char **words)
{
	for (; *words; words++) {
		if (strcmp(*words, "--interval") != 0) {
			watch->pool = args_pool(*words, watch->pool);
			continue;
		}
		watch->interval = args_seconds(words[0], words[1]);
		if (watch->interval < MIN_INTERVAL)
			die_usage("--interval \"%s\" is less than 0.1", words[1]);
		words++;
	}
}

/* watch [POOL] [--interval SEC] */
enum status run_watch(char **words)
{
	struct watch watch = { .interval = DEFAULT_INTERVAL };
	struct nl *nl;

	take_words(&watch, words);
	if (!screen_possible())
		die_usage("watch draws on a terminal; for a pipe or a file use list or monitor");
	setlocale(LC_CTYPE, "");
	watch.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	watch.coloured = colours_enabled();
	nl = nl_open();
	look(&watch, nl);
	screen_open();
	do {
		draw(&watch);
		if (!wait_for_next(&watch))
			break;
		look(&watch, nl);
	} while (true);
	screen_close();
	nl_close(nl);
	snapshot_free(&watch.now);
	backends_free(&watch.old);
	free(watch.lines);
	return STATUS_OK;
}
