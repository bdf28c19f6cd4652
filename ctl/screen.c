// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal as a picture: given back as it was, however the program ends.
 *
 * A signal is only noted by its handler; screen_key() acts on it. Signals are
 * blocked but while it waits, so that none is missed before it does.
 */
#define _GNU_SOURCE /* ppoll() */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "message.h"
#include "screen.h"

#define ENTER		"\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE		"\033[?7h\033[?25h\033[?1049l"

/* Terminals that know it show what is between at once; others ignore it. */
#define SYNC_BEGIN	"\033[?2026h\033[H"
#define SYNC_END	"\033[?2026l"

static const int signals[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGTSTP };

#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t resized, stopped, ending;

/* Keys that have been read and not been taken yet. */
static char typed[64];
static size_t typed_length;

static struct termios before;
static bool has_keys;
static bool shown;
static sigset_t while_waiting;

static void write_all(const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written < 0 && errno == EAGAIN) {
			struct pollfd out = { STDOUT_FILENO, POLLOUT, 0 };

			poll(&out, 1, -1);
		} else if (written < 0 && errno != EINTR) {
			/* The terminal is gone. */
			shown = false;
			exit(STATUS_ERROR);
		} else if (written > 0) {
			text += written;
			length -= written;
		}
	}
}

static void note(int number)
{
	switch (number) {
	case SIGWINCH:
		resized = 1;
		break;
	case SIGTSTP:
		stopped = 1;
		break;
	default:
		ending = number;
	}
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t ours;
	size_t i;

	sigemptyset(&ours);
	for (i = 0; i < N_SIGNALS; i++) {
		sigaddset(&ours, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &ours, &while_waiting);
	for (i = 0; i < N_SIGNALS; i++)
		sigdelset(&while_waiting, signals[i]);
}

static void show(void)
{
	struct termios raw = before;

	shown = true;
	/* Ctrl-C and Ctrl-Z stay signals. */
	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	write_all(ENTER, strlen(ENTER));
}

void screen_close(void)
{
	if (!shown)
		return;
	shown = false;
	write_all(LEAVE, strlen(LEAVE));
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

bool screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!term || strcmp(term, "dumb") != 0);
}

void screen_open(void)
{
	has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
	catch_signals();
	message_prepare = screen_close;
	atexit(screen_close);
	show();
}

void screen_size(int *rows, int *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
	    size.ws_col) {
		*rows = size.ws_row;
		*columns = size.ws_col;
	}
}

void screen_draw(const char *picture, size_t length)
{
	size_t size = sizeof(SYNC_BEGIN) + length + sizeof(SYNC_END);
	char *all = malloc(size);
	char *end = all;

	if (!all)
		die("out of memory");
	end = stpcpy(end, SYNC_BEGIN);
	memcpy(end, picture, length);
	end = stpcpy(end + length, SYNC_END);
	write_all(all, end - all);
	free(all);
}

/* Ends as whoever sent the signal expects: by it. */
static void end_by(int number)
{
	sigset_t set;

	screen_close();
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	/* The signal is blocked: it comes once it is let in. */
	/* cppcheck-suppress unreachableCode; its raise() never returns */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Ctrl-Z: the shell gets its screen, and fg brings the picture back. */
static void stop(void)
{
	stopped = 0;
	screen_close();
	raise(SIGSTOP);
	/* cppcheck-suppress unreachableCode; its raise() never returns */
	show();
}

/* Of what the terminal sends for a key that we do not know: its length. */
static size_t unknown_length(void)
{
	size_t length = 1;

	if (typed[0] != '\033')
		return 1;
	/* Parameters, then a letter or "~". */
	if (length < typed_length && strchr("[O", typed[length]))
		length++;
	while (length < typed_length && strchr("0123456789;", typed[length]))
		length++;
	return length < typed_length ? length + 1 : length;
}

static void forget_typed(size_t length)
{
	typed_length -= length;
	memmove(typed, typed + length, typed_length);
}

/* The first of the keys that were typed. */
static enum key next_key(void)
{
	static const struct {
		const char	*text;
		enum key	key;
	} keys[] = {
		{ "q", KEY_QUIT }, { "Q", KEY_QUIT }, { "\004", KEY_QUIT },
		{ "k", KEY_UP }, { "\033[A", KEY_UP }, { "\033OA", KEY_UP },
		{ "j", KEY_DOWN }, { "\033[B", KEY_DOWN },
		{ "\033OB", KEY_DOWN },
		{ "\033[5~", KEY_PAGE_UP }, { "b", KEY_PAGE_UP },
		{ "\033[6~", KEY_PAGE_DOWN }, { " ", KEY_PAGE_DOWN },
		{ "g", KEY_HOME }, { "\033[H", KEY_HOME },
		{ "\033OH", KEY_HOME }, { "\033[1~", KEY_HOME },
	};
	size_t i, length;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		length = strlen(keys[i].text);
		if (length <= typed_length &&
		    memcmp(keys[i].text, typed, length) == 0) {
			forget_typed(length);
			return keys[i].key;
		}
	}
	forget_typed(unknown_length());
	return KEY_OTHER;
}

static enum key read_key(void)
{
	ssize_t length = read(STDIN_FILENO, typed, sizeof(typed));

	if (length > 0) {
		typed_length = length;
		return next_key();
	}
	/* No keys will come any more. */
	if (length == 0 || (errno != EINTR && errno != EAGAIN))
		has_keys = false;
	return KEY_OTHER;
}

enum key screen_key(unsigned int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
	struct pollfd keys = { has_keys ? STDIN_FILENO : -1, POLLIN, 0 };
	int ready;

	if (typed_length)
		return next_key();
	ready = ppoll(&keys, 1, &limit, &while_waiting);
	if (ending)
		end_by(ending);
	if (stopped) {
		stop();
		return KEY_RESIZED;
	}
	if (resized) {
		resized = 0;
		return KEY_RESIZED;
	}
	return ready > 0 ? read_key() : KEY_NONE;
}
