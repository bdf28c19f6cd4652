// SPDX-License-Identifier: GPL-2.0-only
/* The command wait: wait until drained backends have no live connection. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "clock.h"
#include "command.h"
#include "nl.h"
#include "parse.h"
#include "snapshot.h"

#define POLL_MS		150

/**
 * struct wait - arguments of the command
 * @match: selects the backends
 * @typed: the backend as it was typed, for messages
 * @limited: there is a timeout
 * @timeout: the timeout in milliseconds
 */
struct wait {
	struct change	match;
	const char	*typed;
	bool		limited;
	unsigned int	timeout;
};

/* Remove --timeout SEC from the words. */
static void wait_parse_timeout(struct wait *wait, char **words)
{
	char **kept = words;

	while (*words) {
		if (strcmp(*words, "--timeout") != 0) {
			*kept++ = *words++;
			continue;
		}
		wait->timeout = args_seconds(words[0], words[1]);
		wait->limited = true;
		words += 2;
	}
	*kept = NULL;
}

/* Live connections of all backends that match. */
static uint64_t wait_count_live(const struct wait *wait, struct nl *nl)
{
	struct backends backends = { 0 };
	char text[BACKEND_STRLEN];
	uint64_t live = 0;
	size_t i;

	backends_take(&backends, nl, &wait->match);
	if (!backends.count)
		die("%s: no such backend", wait->typed);
	for (i = 0; i < backends.count; i++) {
		const struct backend *backend = &backends.at[i];

		backend_format(backend, text);
		if (backend->state == LEASTCONN_STATE_READY)
			die("%s proto %s is ready and may get new connections; drain it first: " PROGRAM " drain %s",
			    text, proto_name(backend->proto), wait->typed);
		live += backend->active;
	}
	backends_free(&backends);
	return live;
}

static void wait_until_empty(const struct wait *wait, struct nl *nl)
{
	uint64_t live, start = clock_ms(), passed;

	while ((live = wait_count_live(wait, nl)) > 0) {
		passed = clock_ms() - start;
		if (wait->limited && passed >= wait->timeout)
			die("%s still has %llu live connection%s after %.9g second%s",
			    wait->typed, (unsigned long long)live,
			    live == 1 ? "" : "s", wait->timeout / 1000.0,
			    wait->timeout == 1000 ? "" : "s");
		progress("%s: %llu live connection%s left, %llu s", wait->typed,
			 (unsigned long long)live, live == 1 ? "" : "s",
			 (unsigned long long)passed / 1000);
		if (wait->limited && wait->timeout - passed < POLL_MS)
			clock_sleep(wait->timeout - passed);
		else
			clock_sleep(POLL_MS);
	}
	progress_end();
}

/* wait ADDR[:PORT] [proto P] [--timeout SEC] */
enum status run_wait(char **words)
{
	struct wait wait = { 0 };
	struct parse_error error;
	struct nl *nl;

	wait_parse_timeout(&wait, words);
	if (!parse_match(words, &wait.match, &error))
		die_usage("%s", error.text);
	wait.typed = words[0];
	nl = nl_open();
	wait_until_empty(&wait, nl);
	nl_close(nl);
	return STATUS_OK;
}
