/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal as a picture: given back as it was, however the program ends. */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum key {
	KEY_NONE,	/* the time is over */
	KEY_RESIZED,
	KEY_OTHER,
	KEY_QUIT,
	KEY_UP,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME,
};

/* Whether stdout is a terminal that can. */
bool screen_possible(void);

void screen_open(void);
void screen_close(void);

void screen_size(int *rows, int *columns);

/* A whole picture in one go, without flicker. */
void screen_draw(const char *picture, size_t length);

/*
 * What stands between its lines, and after the last one if the terminal has more.
 * A line that reaches the edge has nothing to erase: the cursor stands on its
 * last character.
 */
#define SCREEN_ERASE_LINE	"\033[K"
#define SCREEN_NEXT_LINE	"\r\n"
#define SCREEN_ERASE_REST	"\033[J"

/* Waits for a key, at most so long. */
enum key screen_key(unsigned int ms);

#endif /* CTL_SCREEN_H */
