/* SPDX-License-Identifier: GPL-2.0-only */
/* Words into changes: of the command line, or of a line that restore reads. */
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

/* Digits only: neither signs nor blanks nor hexadecimal. */
bool parse_number(const char *text, uint32_t max, uint32_t *number);

/* Seconds, decimals allowed, into milliseconds. */
bool parse_seconds(const char *text, unsigned int *ms);

bool parse_pool(const char *text, struct parse_error *error);

/* ADDR[:PORT], and "proto P" if more words begin with it. */
bool parse_backend(const char *text, struct change *change,
		   struct parse_error *error);

/* What names backends alone: ADDR[:PORT] [proto P], all words of it. */
bool parse_match(char **words, struct change *change,
		 struct parse_error *error);

/* A whole command, up to NULL. The change points into the words. */
bool parse_change(char **words, struct change *change,
		  struct parse_error *error);

#endif /* CTL_PARSE_H */
