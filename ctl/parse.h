/* SPDX-License-Identifier: GPL-2.0-only */
/* Parse commands from the command line and from files for restore. */
#ifndef CTL_PARSE_H
#define CTL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "change.h"

/**
 * struct parse_error - why words could not be parsed
 * @text: quotes the word, says what is wrong with it and what is allowed
 */
struct parse_error {
	char	text[512];
};

/* Decimal digits only: no sign, no blanks, no hexadecimal. */
bool parse_number(const char *text, uint32_t max, uint32_t *number);

/* Seconds with optional decimals. @ms: milliseconds. */
bool parse_seconds(const char *text, unsigned int *ms);

bool parse_pool(const char *text, struct parse_error *error);

/* ADDR[:PORT], ADDR6 or [ADDR6]:PORT. */
bool parse_backend(const char *text, struct change *change,
		   struct parse_error *error);

/*
 * What the command "clients flush" is given: ADDR, ADDR/LEN, ADDR6 or ADDR6/LEN, or the
 * name of a pool. What is an address is no pool.
 */
bool parse_client(const char *text, struct change *filter,
		  struct parse_error *error);

/* The backend of the command wait: ADDR[:PORT] [proto P]. */
bool parse_match(char **words, struct change *change,
		 struct parse_error *error);

/* A whole command; the last word is NULL. @change keeps pointers into words. */
bool parse_change(char **words, struct change *change,
		  struct parse_error *error);

#endif /* CTL_PARSE_H */
