// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dump requests.
 *
 * A dump comes in several messages. If something changes between them, the kernel
 * marks the dump as interrupted, and it is repeated.
 */
#include <errno.h>

#include "change.h"
#include "clock.h"
#include "dump.h"
#include "message.h"
#include "request.h"

#define DUMP_TRIES	50
#define DUMP_PAUSE_MS	10

static enum nl_dump_result dump_once(const struct dump *dump, struct nl *nl,
				     struct nl_error *error)
{
	enum nl_dump_result result;
	struct request request;

	dump->reset(dump->data);
	request_init(&request, dump->cmd);
	if (dump->filter)
		request_add_filter(&request, dump->filter);
	result = nl_dump(nl, &request, dump->reader, dump->data, error);
	request_free(&request);
	return result;
}

/* Return: false on error, see @error. */
static bool dump_retry(const struct dump *dump, struct nl *nl,
		       struct nl_error *error)
{
	enum nl_dump_result result;
	unsigned int tries = 0;

	while ((result = dump_once(dump, nl, error)) == NL_DUMP_INTERRUPTED) {
		if (++tries == DUMP_TRIES)
			die("pools or backends changed during each attempt to read them; try again");
		clock_sleep(DUMP_PAUSE_MS);
	}
	return result == NL_DUMP_OK;
}

void dump_run(const struct dump *dump, struct nl *nl, const char *pool)
{
	struct nl_error error;

	if (dump_retry(dump, nl, &error))
		return;
	/* Older kernels send no message if a dump does not start. */
	if (pool)
		die("pool %s: %s", pool, error.code == ENOENT ?
		    "no such pool; see " PROGRAM " list" : nl_error_text(&error));
	die("%s", nl_error_text(&error));
}
