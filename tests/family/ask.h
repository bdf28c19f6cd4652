/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is asked, and what is so: whatever is otherwise ends the test, with the
 * place in it that asked.
 */
#ifndef FAMILY_ASK_H
#define FAMILY_ASK_H

#include "../genl/listing.h"

#define NAME31	"abcdefghijklmnopqrstuvwxyz01234"

/* Whom all tests ask by; opened before the first question. */
extern struct talk *talk;

/* Of many cases the one that is tried, for those who ask why it failed. */
extern const char *about;
extern unsigned int beside;
void say_what(void);

/**
 * struct place - that a test is at
 * @file: its name
 * @line: in it
 */
struct place {
	const char	*file;
	int		line;
};

#define HERE ((struct place){ __FILE__, __LINE__ })
#define fail(...) die_at(place.file, place.line, __VA_ARGS__)

/* Both texts are equal; if not, what they are is said. */
void compare(struct place place, const char *what, const char *wanted,
	     const char *got);

/* So many changes, each a line. */
struct message *message_of(const char *lines);

/* The message is freed. Return: the number of entries killed, or -1. */
int64_t accepted_at(struct place place, struct message *message);
#define accepted(lines)	accepted_at(HERE, message_of(lines))

/* Errors that the policy has; whichever it takes. */
#define POLICY		0

/* With NULL, whatever its text is. */
void check_refusal(struct place place, const struct answer *answer, int error,
		   uint32_t offset, const char *text);

/* The message is freed. */
void refusal_is(struct place place, struct message *message, int error,
		uint32_t offset, const char *text);

/* And nothing has changed by it. */
void refused_at(struct place place, struct message *message, int error,
		uint32_t offset, const char *text);

/* It is about the last one of the lines. */
void last_refused(struct place place, const char *lines, int error,
		  const char *text);
#define refused(...)	last_refused(HERE, __VA_ARGS__)

/* All that a dump with this filter tells. */
void listing_is(struct place place, uint8_t cmd, const char *filter,
		const char *wanted);
#define pools_are(wanted)						\
	listing_is(HERE, LEASTCONN_CMD_GET_POOLS, "", wanted)
#define pool_is(name, wanted)						\
	listing_is(HERE, LEASTCONN_CMD_GET_POOLS, "pool=" name, wanted)
#define backends_are(wanted)						\
	listing_is(HERE, LEASTCONN_CMD_GET_BACKENDS, "", wanted)

/* Older ones answer some questions otherwise. */
bool kernel_is_from(int major, int minor);

#endif /* FAMILY_ASK_H */
