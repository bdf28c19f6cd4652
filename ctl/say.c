// SPDX-License-Identifier: GPL-2.0-only
/* How the program says no, and other words to whoever called it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

void (*say_first)(void);

static bool progress_shown;

static void say(const char *format, va_list arguments)
{
	if (say_first)
		say_first();
	progress_end();
	/* What was printed before must not come after. */
	fflush(stdout);
	fputs(PROGRAM ": ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(STATUS_REFUSED);
}

void misuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(STATUS_USAGE);
}

void progress(const char *format, ...)
{
	va_list arguments;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\033[K", stderr);
	fflush(stderr);
	progress_shown = true;
}

void progress_end(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

bool colours(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no || !*no) &&
	       (!term || strcmp(term, "dumb") != 0);
}

void *grow(void *array, size_t *room, size_t count, size_t size)
{
	size_t wanted;

	if (count < *room)
		return array;
	wanted = *room ? *room * 2 : 8;
	array = reallocarray(array, wanted, size);
	if (!array)
		refuse("out of memory");
	*room = wanted;
	return array;
}
