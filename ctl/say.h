/* SPDX-License-Identifier: GPL-2.0-only */
/* How the program says no, and other words to whoever called it. */
#ifndef CTL_SAY_H
#define CTL_SAY_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM		"leastconnctl"

enum status {
	STATUS_DONE,
	STATUS_REFUSED,
	STATUS_USAGE,
};

/* Called before anything is said: whoever has changed the terminal sets it. */
extern void (*say_first)(void);

/* What the kernel, or the state of things, does not allow. */
__attribute__((noreturn, format(printf, 1, 2)))
void refuse(const char *format, ...);

/* What was typed wrongly. */
__attribute__((noreturn, format(printf, 1, 2)))
void misuse(const char *format, ...);

/* How far a long command is: on a terminal, on one line that the next replaces. */
__attribute__((format(printf, 1, 2)))
void progress(const char *format, ...);
void progress_end(void);

/* Whether stdout may be given colours. */
bool colours(void);

/* Room for one more than @count elements of @size bytes. */
void *grow(void *array, size_t *room, size_t count, size_t size);

#endif /* CTL_SAY_H */
