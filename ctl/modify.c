// SPDX-License-Identifier: GPL-2.0-only
/* The commands that change a pool, a backend or its state. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <linux/netfilter.h>

#include "command.h"
#include "killed.h"
#include "nl.h"
#include "parse.h"
#include "request.h"

/* The command as it was typed, for an error message. */
static void join_words(char **words, char *text, size_t size)
{
	size_t used = 0;
	int length;

	*text = '\0';
	for (; *words && used < size; words++, used += length)
		length = snprintf(text + used, size - used, "%s%s",
				  used ? " " : "", *words);
}

/*
 * fd00::1:80 is an address: a likely mistake. In a pool 10.0.0.1 is another backend than
 * 10.0.0.1:80.
 */
static const char *modify_hint(const struct change *change,
			       const struct nl_error *error)
{
	bool is_ipv6 = change->backend.family == NFPROTO_IPV6;

	if (error->code != ENOENT || change->backend.port ||
	    !strstr(error->text, "no such backend"))
		return "";
	if (is_ipv6)
		return "; a port is written [ADDR6]:PORT";
	return change->given & GIVEN_POOL ? "; a port is written ADDR:PORT" : "";
}

enum status run_modify(char **words)
{
	struct killed killed = { 0 };
	struct parse_error error;
	struct nl_error nl_error;
	struct request request;
	struct change change;
	char typed[256];
	struct nl *nl;

	if (!parse_change(words, &change, &error))
		die_usage("%s", error.text);
	nl = nl_open();
	request_init(&request, LEASTCONN_CMD_CHANGE);
	request_add_change(&request, &change);
	if (!nl_transact(nl, &request, killed_read, &killed, &nl_error)) {
		join_words(words, typed, sizeof(typed));
		die("%s: %s%s", typed, nl_error_text(&nl_error),
		    modify_hint(&change, &nl_error));
	}
	request_free(&request);
	nl_close(nl);
	killed_print(&killed);
	return STATUS_OK;
}
