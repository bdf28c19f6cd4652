// SPDX-License-Identifier: GPL-2.0-only
/* The commands that change one thing. */
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "change.h"
#include "command.h"
#include "parse.h"
#include "request.h"

void read_killed(const struct nlmsghdr *nlh, void *data)
{
	struct killed *killed = data;
	struct attrs attrs;

	attrs_read(nlh, &attrs);
	if (!attrs_have(&attrs, LEASTCONN_A_KILLED))
		return;
	killed->told = true;
	killed->count = attrs_u32(&attrs, LEASTCONN_A_KILLED);
}

void print_killed(const struct killed *killed)
{
	if (killed->told)
		printf("%u conntrack %s deleted\n", killed->count,
		       killed->count == 1 ? "entry" : "entries");
}

/* The words as they were typed, for a refusal. */
static void join_words(char **words, char *text, size_t size)
{
	size_t used = 0;
	int length;

	*text = '\0';
	for (; *words && used < size; words++, used += length)
		length = snprintf(text + used, size - used, "%s%s",
				  used ? " " : "", *words);
}

enum status run_change(char **words)
{
	struct killed killed = { 0 };
	struct nl_refusal refusal;
	struct request request;
	struct change change;
	char typed[256];
	struct parse_error error;
	struct nl *nl;

	if (!parse_change(words, &change, &error))
		die_usage("%s", error.text);
	nl = nl_open();
	request_begin(&request, LEASTCONN_CMD_CHANGE);
	request_add_change(&request, &change);
	if (!nl_transact(nl, &request, read_killed, &killed, &refusal)) {
		join_words(words, typed, sizeof(typed));
		die("%s: %s", typed, nl_sentence(&refusal));
	}
	request_free(&request);
	nl_close(nl);
	print_killed(&killed);
	return STATUS_OK;
}
