// SPDX-License-Identifier: GPL-2.0-only
/*
 * Full-screen output on a terminal, which is restored when the program ends.
 *
 * The signal handler only sets flags, on which screen_key() acts. Signals are
 * blocked except while screen_key() waits, so that it cannot miss one.
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

/* Synchronized output: terminals that do not support it ignore it. */
#define SYNC_BEGIN	"\033[?2026h\033[H"
#define SYNC_END	"\033[?2026l"

static const int signals[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGTSTP };

#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t resized, stopped, ending;

/* Input that was read but is not processed yet. */
static char input[64];
static size_t input_length;

static struct termios saved_termios;
static bool has_keys;
static bool shown;
static sigset_t wait_mask;

static void write_all(const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written < 0 && errno == EAGAIN) {
			struct pollfd out = { STDOUT_FILENO, POLLOUT, 0 };

			poll(&out, 1, -1);
		} else if (written < 0 && errno != EINTR) {
			/* The terminal is closed: do not try to restore it. */
			shown = false;
			exit(STATUS_ERROR);
		} else if (written > 0) {
			text += written;
			length -= written;
		}
	}
}

static void handle_signal(int number)
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
	struct sigaction action = { .sa_handler = handle_signal };
	sigset_t ours;
	size_t i;

	sigemptyset(&ours);
	for (i = 0; i < N_SIGNALS; i++) {
		sigaddset(&ours, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &ours, &wait_mask);
	for (i = 0; i < N_SIGNALS; i++)
		sigdelset(&wait_mask, signals[i]);
}

static void screen_enter(void)
{
	struct termios raw = saved_termios;

	shown = true;
	/* Ctrl-C and Ctrl-Z still send signals. */
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
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_termios);
}

bool screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!term || strcmp(term, "dumb") != 0);
}

void screen_open(void)
{
	has_keys = tcgetattr(STDIN_FILENO, &saved_termios) == 0;
	catch_signals();
	message_prepare = screen_close;
	atexit(screen_close);
	screen_enter();
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

/* End by the signal itself, so that the parent process sees it as the reason. */
static void end_by_signal(int number)
{
	sigset_t set;

	screen_close();
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	/* The signal is blocked and is delivered by unblocking it. */
	/* cppcheck-suppress unreachableCode; its raise() never returns */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Ctrl-Z: restore the terminal, stop, and draw again after fg. */
static void suspend(void)
{
	stopped = 0;
	screen_close();
	raise(SIGSTOP);
	/* cppcheck-suppress unreachableCode; its raise() never returns */
	screen_enter();
}

/* The length of the escape sequence of an unknown key. */
static size_t unknown_length(void)
{
	size_t length = 1;

	if (input[0] != '\033')
		return 1;
	/* Parameters, then a letter or "~". */
	if (length < input_length && strchr("[O", input[length]))
		length++;
	while (length < input_length && strchr("0123456789;", input[length]))
		length++;
	return length < input_length ? length + 1 : length;
}

static void drop_input(size_t length)
{
	input_length -= length;
	memmove(input, input + length, input_length);
}

/* Take the first key from the input. */
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
		if (length <= input_length &&
		    memcmp(keys[i].text, input, length) == 0) {
			drop_input(length);
			return keys[i].key;
		}
	}
	drop_input(unknown_length());
	return KEY_OTHER;
}

static enum key read_key(void)
{
	ssize_t length = read(STDIN_FILENO, input, sizeof(input));

	if (length > 0) {
		input_length = length;
		return next_key();
	}
	/* End of file or error: stop reading keys. */
	if (length == 0 || (errno != EINTR && errno != EAGAIN))
		has_keys = false;
	return KEY_OTHER;
}

enum key screen_key(unsigned int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
	struct pollfd keys = { has_keys ? STDIN_FILENO : -1, POLLIN, 0 };
	int ready;

	if (input_length)
		return next_key();
	ready = ppoll(&keys, 1, &limit, &wait_mask);
	if (ending)
		end_by_signal(ending);
	if (stopped) {
		suspend();
		return KEY_RESIZED;
	}
	if (resized) {
		resized = 0;
		return KEY_RESIZED;
	}
	return ready > 0 ? read_key() : KEY_NONE;
}
