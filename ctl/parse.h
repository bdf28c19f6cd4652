/* SPDX-License-Identifier: GPL-2.0-only */
/* Words into changes: of the command line, or of a line that restore reads. */
#ifndef CTL_PARSE_H
#define CTL_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/leastconn.h>

#include "backend.h"
#include "settings.h"

/* What a change has been given. */
enum {
	GIVEN_POOL	= 1 << 0,
	GIVEN_ADDRESS	= 1 << 1,
	GIVEN_PORT	= 1 << 2,
	GIVEN_PROTO	= 1 << 3,
	GIVEN_WEIGHT	= 1 << 4,
	GIVEN_MAX_CONNS	= 1 << 5,
	GIVEN_BACKUP	= 1 << 6,
	GIVEN_STATE	= 1 << 7,
	GIVEN_KILL	= 1 << 8,
	GIVEN_AHEAD	= 1 << 9,
};

#define GIVEN_SETTING(id)	(1U << (10 + (id)))
#define GIVEN_SETTINGS		(GIVEN_SETTING(N_SETTINGS) - GIVEN_SETTING(0))

/**
 * struct change - one, as the kernel is told
 * @op: what to do
 * @given: bits, GIVEN_*; flags have nothing but their bit
 * @pool: its name
 * @backend: address, port, protocol, terms and state, as far as given
 * @settings: of the pool, as far as given
 */
struct change {
	enum leastconn_op	op;
	unsigned int		given;
	const char		*pool;
	struct backend		backend;
	struct settings		settings;
};

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

/* A pool's name as the kernel allows it. */
bool pool_name_ok(const char *name);

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
