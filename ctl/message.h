/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages on standard error: errors, and the progress of a long command. */
#ifndef CTL_MESSAGE_H
#define CTL_MESSAGE_H

#define PROGRAM		"leastconnctl"

/* Exit statuses. */
enum status {
	STATUS_OK,
	STATUS_ERROR,
	STATUS_USAGE,
};

/*
 * Called before an error is printed. screen.c sets it to restore the terminal;
 * NULL: nothing to do.
 */
extern void (*message_prepare)(void);

/* Print an error and exit with STATUS_ERROR. */
__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *format, ...);

/* The same for an error in the command line or in a file for restore. */
__attribute__((noreturn, format(printf, 1, 2)))
void die_usage(const char *format, ...);

/*
 * Progress is shown on a terminal only, on one line that each call overwrites.
 * progress_end() clears the line.
 */
__attribute__((format(printf, 1, 2)))
void progress(const char *format, ...);
void progress_end(void);

#endif /* CTL_MESSAGE_H */
