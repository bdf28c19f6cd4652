// SPDX-License-Identifier: GPL-2.0-only
/* What is asked, and what is so. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "ask.h"

struct talk *talk;

const char *about;
unsigned int beside;

void say_what(void)
{
	if (about)
		printf("# %s, and %u\n", about, beside);
}

void compare(struct place place, const char *what, const char *wanted,
	     const char *got)
{
	if (!strcmp(wanted, got))
		return;
	say_difference(wanted, got);
	fail("%s", what);
}

int64_t accepted_at(struct place place, struct message *message)
{
	struct answer answer;

	ask(talk, message, NULL, NULL, &answer);
	if (answer.error)
		fail("refused: %s: %s, at %u", strerrorname_np(answer.error),
		     answer.text, answer.offset);
	message_free(message);
	return answer.killed;
}

struct message *message_of(const char *lines)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);

	changes(message, lines);
	return message;
}

void check_refusal(struct place place, const struct answer *answer, int error,
		   uint32_t offset, const char *text)
{
	if (error == POLICY
	    ? answer->error != EINVAL && answer->error != ERANGE
	    : answer->error != error)
		fail("%s: %s, not %s",
		     answer->error ? strerrorname_np(answer->error) : "done",
		     answer->text,
		     error ? strerrorname_np(error) : "EINVAL or ERANGE");
	if (text && strcmp(text, answer->text))
		fail("it says \"%s\", not \"%s\"", answer->text, text);
	if (answer->offset != offset)
		fail("it points at %u, not %u: %s", answer->offset, offset,
		     answer->text);
	if (answer->killed >= 0)
		fail("refused, and %lld killed", (long long)answer->killed);
}

void refusal_is(struct place place, struct message *message, int error,
		uint32_t offset, const char *text)
{
	struct answer answer;

	ask(talk, message, NULL, NULL, &answer);
	check_refusal(place, &answer, error, offset, text);
	message_free(message);
}

void refused_at(struct place place, struct message *message, int error,
		uint32_t offset, const char *text)
{
	struct listing before = { .counts = true }, after = { .counts = true };

	list_all(&before, talk);
	refusal_is(place, message, error, offset, text);
	list_all(&after, talk);
	compare(place, "a refused message has changed something", before.text,
		after.text);
	listing_free(&before);
	listing_free(&after);
}

void last_refused(struct place place, const char *lines, int error,
		  const char *text)
{
	struct message *message = message_of(lines);

	refused_at(place, message, error, message->changes[message->count - 1],
		   text);
}

void listing_is(struct place place, uint8_t cmd, const char *filter,
		const char *wanted)
{
	struct listing listing = {};
	struct answer answer;

	list(&listing, talk, cmd, filter, &answer);
	if (answer.error)
		fail("refused: %s: %s", strerrorname_np(answer.error),
		     answer.text);
	compare(place, "the listing", wanted, listing.text);
	listing_free(&listing);
}

bool kernel_is_from(int major, int minor)
{
	struct utsname name;
	int is_major, is_minor;

	uname(&name);
	if (sscanf(name.release, "%d.%d", &is_major, &is_minor) != 2)
		return false;
	return is_major > major || (is_major == major && is_minor >= minor);
}
