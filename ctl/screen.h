/* SPDX-License-Identifier: GPL-2.0-only */
/* Full-screen output on a terminal, which is restored when the program ends. */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum key {
	KEY_NONE,	/* timeout */
	KEY_RESIZED,
	KEY_OTHER,
	KEY_QUIT,
	KEY_UP,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME,
};

/* Return: true if stdout is a terminal that supports it. */
bool screen_possible(void);

void screen_open(void);
void screen_close(void);

void screen_size(int *rows, int *columns);

/* Draw a whole screen at once, which avoids flicker. */
void screen_draw(const char *picture, size_t length);

/*
 * What separates the lines of the screen, and follows the last line if the
 * terminal has more. Do not erase after a line as wide as the terminal: the cursor
 * is on its last character, which would be erased.
 */
#define SCREEN_ERASE_LINE	"\033[K"
#define SCREEN_NEXT_LINE	"\r\n"
#define SCREEN_ERASE_REST	"\033[J"

/* Wait for a key for at most @ms milliseconds. */
enum key screen_key(unsigned int ms);

#endif /* CTL_SCREEN_H */
