// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel made of paper, in the place of ctl/nl.c: what it answers stands in
 * the file $LC_PAPER, and what it is told is written to $LC_TOLD. With it the
 * tool is tested where there is no module: its words, its output, and messages
 * that no kernel would send.
 *
 * A line of the file is one message: "pools", "backends" or "event", then
 * attributes as NAME=VALUE; "lost" among the events; "killed N" or "refuse ERRNO
 * CHANGE SENTENCE" as the answer to a change; "torn N": the first N dumps are.
 * A number "~N" moves: N a second for totals, about N for others.
 *
 * $LC_SEED: attributes are damaged, in another way for each number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/leastconn.h>

#include "../../ctl/clock.h"
#include "../../ctl/nl.h"
#include "../../ctl/request.h"
#include "../../ctl/say.h"

#define PAPER_SIZE	(1 << 20)

struct nl {
	char		paper[PAPER_SIZE];
	char		*event;
	unsigned int	torn;
	unsigned int	seed;
};

static const char *const names[LEASTCONN_A_MAX + 1] = {
	[LEASTCONN_A_OP]	= "op",
	[LEASTCONN_A_POOL]	= "pool",
	[LEASTCONN_A_RULE]	= "rule",
	[LEASTCONN_A_FAMILY]	= "family",
	[LEASTCONN_A_ADDRESS]	= "address",
	[LEASTCONN_A_PORT]	= "port",
	[LEASTCONN_A_PROTO]	= "proto",
	[LEASTCONN_A_WEIGHT]	= "weight",
	[LEASTCONN_A_MAX_CONNS]	= "max_conns",
	[LEASTCONN_A_BACKUP]	= "backup",
	[LEASTCONN_A_STATE]	= "state",
	[LEASTCONN_A_KILL]	= "kill",
	[LEASTCONN_A_AHEAD]	= "ahead",
	[LEASTCONN_A_ACTIVE]	= "active",
	[LEASTCONN_A_INACTIVE]	= "inactive",
	[LEASTCONN_A_TOTAL]	= "total",
	[LEASTCONN_A_RULES]	= "rules",
	[LEASTCONN_A_MEMBERS]	= "members",
	[LEASTCONN_A_EVENT]	= "event",
	[LEASTCONN_A_KILLED]	= "killed",
	[LEASTCONN_A_MAX_FAILS]	= "max_fails",
	[LEASTCONN_A_FAIL_TIMEOUT] = "fail_timeout",
	[LEASTCONN_A_SLOW_START] = "slow_start",
	[LEASTCONN_A_REDISPATCH] = "redispatch",
	[LEASTCONN_A_HEALTH]	= "health",
	[LEASTCONN_A_FAILS]	= "fails",
	[LEASTCONN_A_PERSISTENT] = "persistent",
	[LEASTCONN_A_PERSISTENT_MASK] = "persistent_mask",
	[LEASTCONN_A_REASON]	= "reason",
};

const char *nl_sentence(const struct nl_refusal *refusal)
{
	return refusal->text[0] ? refusal->text : strerror(refusal->error);
}

static char *find_line(char *from, const char *word)
{
	size_t length = strlen(word);
	char *line;

	for (line = from; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, length) == 0 &&
		    strchr(" \n", line[length]))
			return line;
	}
	return NULL;
}

struct nl *nl_open(void)
{
	const char *name = getenv("LC_PAPER");
	struct nl *nl = calloc(1, sizeof(*nl));
	FILE *file = name ? fopen(name, "r") : NULL;
	char *line;

	if (!nl || !file)
		refuse("there is no paper");
	if (fread(nl->paper, 1, PAPER_SIZE - 1, file) == 0)
		nl->paper[0] = '\0';
	fclose(file);
	nl->event = nl->paper;
	line = find_line(nl->paper, "torn");
	if (line)
		nl->torn = strtoul(line + 5, NULL, 10);
	if (getenv("LC_SEED"))
		nl->seed = strtoul(getenv("LC_SEED"), NULL, 10);
	srandom(nl->seed);
	return nl;
}

void nl_close(struct nl *nl)
{
	free(nl);
}

static uint64_t number_of(unsigned int type, const char *value)
{
	uint64_t number;

	if (*value != '~')
		return strtoull(value, NULL, 0);
	number = strtoull(value + 1, NULL, 0);
	if (type == LEASTCONN_A_TOTAL)
		return number * clock_ms() / 1000;
	return number / 2 + random() % (number + 1);
}

static void put_attribute(struct nlmsghdr *nlh, unsigned int type,
			  const char *value)
{
	unsigned char address[16];

	switch (type) {
	case LEASTCONN_A_POOL:
		mnl_attr_put_strz(nlh, type, value);
		break;
	case LEASTCONN_A_ADDRESS:
		if (inet_pton(AF_INET, value, address) == 1)
			mnl_attr_put(nlh, type, 4, address);
		else if (inet_pton(AF_INET6, value, address) == 1)
			mnl_attr_put(nlh, type, 16, address);
		break;
	case LEASTCONN_A_TOTAL:
		mnl_attr_put_u64(nlh, type, number_of(type, value));
		break;
	default:
		mnl_attr_put_u32(nlh, type, number_of(type, value));
	}
}

static void put_word(struct nlmsghdr *nlh, const char *word, size_t length)
{
	char text[128];
	unsigned int type;
	char *value;

	snprintf(text, sizeof(text), "%.*s", (int)length, word);
	value = strchr(text, '=');
	if (!value)
		return;
	*value++ = '\0';
	for (type = 0; type <= LEASTCONN_A_MAX; type++) {
		if (names[type] && strcmp(names[type], text) == 0)
			put_attribute(nlh, type, value);
	}
}

/* A few bytes after the headers, and sometimes the end. */
static void damage(struct nl *nl, struct nlmsghdr *nlh)
{
	size_t head = NLMSG_HDRLEN + sizeof(struct genlmsghdr);
	unsigned char *bytes = (void *)nlh;
	int i;

	if (!nl->seed || random() % 4 || nlh->nlmsg_len == head)
		return;
	for (i = random() % 4; i >= 0; i--)
		bytes[head + random() % (nlh->nlmsg_len - head)] =
			random() % 3 ? random() % 32 : random();
	if (random() % 4 == 0)
		nlh->nlmsg_len = head + random() % (nlh->nlmsg_len - head + 1);
}

/* On the heap, and no longer than it says, for the sanitizer to see. */
static void send_line(struct nl *nl, const char *line, uint8_t cmd,
		      nl_reader reader, void *data)
{
	char buf[4096];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf), *copy;
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	size_t length;

	genl->cmd = cmd;
	while (*line && *line != '\n') {
		length = strcspn(line, " \n");
		put_word(nlh, line, length);
		line += length + (line[length] == ' ');
	}
	damage(nl, nlh);
	copy = malloc(nlh->nlmsg_len);
	memcpy(copy, nlh, nlh->nlmsg_len);
	reader(copy, data);
	free(copy);
}

/* By the pool that is asked for, if one is: it is a line's first attribute. */
static bool wanted(struct request *request, const char *line)
{
	const struct nlattr *attr;
	char word[64];

	mnl_attr_for_each(attr, request_header(request), sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != LEASTCONN_A_POOL)
			continue;
		snprintf(word, sizeof(word), " pool=%s ", mnl_attr_get_str(attr));
		return strncmp(line, word, strlen(word)) == 0;
	}
	return true;
}

static void tell_attribute(FILE *out, const struct nlattr *attr)
{
	unsigned int type = mnl_attr_get_type(attr);
	const unsigned char *bytes = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr), i;

	fprintf(out, " %s", names[type]);
	switch (type) {
	case LEASTCONN_A_KILL:
	case LEASTCONN_A_AHEAD:
		break;
	case LEASTCONN_A_POOL:
		fprintf(out, "=%s", mnl_attr_get_str(attr));
		break;
	case LEASTCONN_A_ADDRESS:
		fputc('=', out);
		for (i = 0; i < length; i++)
			fprintf(out, "%02x", bytes[i]);
		break;
	default:
		fprintf(out, "=%u", mnl_attr_get_u32(attr));
	}
}

static void tell(struct request *request)
{
	const char *name = getenv("LC_TOLD");
	FILE *out = name ? fopen(name, "a") : NULL;
	const struct nlattr *change, *attr;

	if (!out)
		return;
	mnl_attr_for_each(change, request_header(request),
			  sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(change) == LEASTCONN_A_CHANGE) {
			fputs("change", out);
			mnl_attr_for_each_nested(attr, change)
				tell_attribute(out, attr);
			fputc('\n', out);
		} else {
			fputs("filter", out);
			tell_attribute(out, change);
			fputc('\n', out);
		}
	}
	fclose(out);
}

/* Where in the request its change of that number is, somewhere in the middle. */
static uint32_t offset_of(struct request *request, unsigned int number)
{
	const struct nlattr *change;

	mnl_attr_for_each(change, request_header(request),
			  sizeof(struct genlmsghdr)) {
		if (--number == 0)
			return (const char *)change - request->buf +
			       change->nla_len / 8 * 4;
	}
	return 0;
}

bool nl_transact(struct nl *nl, struct request *request, nl_reader reader,
		 void *data, struct nl_refusal *refusal)
{
	char *line = find_line(nl->paper, "refuse");
	unsigned int number;

	memset(refusal, 0, sizeof(*refusal));
	tell(request);
	if (line && sscanf(line, "refuse %d %u %255[^\n]", &refusal->error,
			   &number, refusal->text) >= 2) {
		refusal->offset = offset_of(request, number);
		return false;
	}
	line = find_line(nl->paper, "killed");
	if (line) {
		line[strlen("killed")] = '=';
		send_line(nl, line, LEASTCONN_CMD_CHANGE, reader, data);
	}
	return true;
}

enum nl_dump_result nl_dump(struct nl *nl, struct request *request,
			    nl_reader reader, void *data,
			    struct nl_refusal *refusal)
{
	const struct genlmsghdr *genl =
		mnl_nlmsg_get_payload(request_header(request));
	const char *word = genl->cmd == LEASTCONN_CMD_GET_POOLS ? "pools" :
								  "backends";
	bool found = false;
	char *line;

	memset(refusal, 0, sizeof(*refusal));
	tell(request);
	for (line = find_line(nl->paper, word); line;
	     line = strchr(line, '\n') ? find_line(strchr(line, '\n'), word) : NULL) {
		if (wanted(request, line + strlen(word))) {
			send_line(nl, line + strlen(word), genl->cmd, reader, data);
			found = true;
		}
	}
	if (!found && !wanted(request, "")) {
		strcpy(refusal->text, "no such pool");
		refusal->error = ENOENT;
		return NL_DUMP_REFUSED;
	}
	return nl->torn && nl->torn-- ? NL_TORN : NL_DUMPED;
}

void nl_join_events(struct nl *nl)
{
	(void)nl;
}

/* One a call; after the last one the program ends. */
bool nl_read_events(struct nl *nl, nl_reader reader, void *data)
{
	while (nl->event && *nl->event) {
		char *line = nl->event;

		nl->event = strchr(line, '\n');
		if (nl->event)
			nl->event++;
		if (strncmp(line, "lost", 4) == 0)
			return false;
		if (strncmp(line, "event ", 6) == 0) {
			send_line(nl, line + 6, LEASTCONN_CMD_EVENT, reader, data);
			return true;
		}
	}
	nl_close(nl);
	exit(0);
}
