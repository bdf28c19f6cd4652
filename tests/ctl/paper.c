// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel made of paper: what it answers stands in the file $LC_PAPER, and what
 * it is told is written to $LC_TOLD. With it the tool is tested where there is no
 * module: its words, its output, and messages that no kernel would send.
 *
 * A line of the file is one message: "pools", "backends", "clients" or "event", then
 * attributes as NAME=VALUE; "lost" among the events; "killed N" or "refuse ERRNO
 * CHANGE SENTENCE" as the answer to a change. A number "~N" moves: N a second for
 * totals, about N for others. "unended=NAME" is a pool's name without its zero.
 *
 * Other lines say what a kernel seldom does:
 *	torn N		the first N dumps say that they are not of one moment
 *	overrun N	the first N dumps stop after a row, with ENOBUFS
 *	late ERRNO	dumps fail behind their last row
 *	whole		an error repeats the request
 *	interrupt	each receive is interrupted once
 *	leftovers	a row and the end of another dump precede each answer
 *
 * $LC_SEED: attributes and whole datagrams are damaged, in another way for each
 * number. $LC_SEEDS: the command runs with each seed up to this one, silently,
 * until its status is not 0 or 1; then that seed is printed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../ctl/clock.h"
#include "../dice.h"
#include "kernel.h"
#include "../genl/spec.h"

#define PAPER_SIZE	(1 << 20)

static char paper[PAPER_SIZE];
static char *event;		/* the next one's line */
static unsigned int torn, overrun;	/* dumps from here on */
static unsigned int seed;	/* 0: nothing is damaged */

/* What is to be answered, until it is; and the next line of the answer. */
static const struct nlmsghdr *request;
static char *row;
static bool any_row, leftovers, interrupted;

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

/* The number behind the word, or 0. */
static unsigned int number_after(const char *word)
{
	const char *line = find_line(paper, word);

	return line ? strtoul(line + strlen(word), NULL, 10) : 0;
}

static void read_paper(void)
{
	const char *name = getenv("LC_PAPER");
	FILE *file = name ? fopen(name, "r") : NULL;

	if (!file) {
		fputs("there is no paper\n", stderr);
		exit(1);
	}
	paper[fread(paper, 1, PAPER_SIZE - 1, file)] = '\0';
	fclose(file);
	event = paper;
	torn = number_after("torn");
	overrun = number_after("overrun");
	seed = getenv("LC_SEED") ? strtoul(getenv("LC_SEED"), NULL, 10) : 0;
	dice_seed(seed, 0);
}

static uint64_t number_of(unsigned int type, const char *value)
{
	uint64_t number;

	if (*value != '~')
		return strtoull(value, NULL, 0);
	number = strtoull(value + 1, NULL, 0);
	if (type == LEASTCONN_A_TOTAL)
		return number * clock_ms() / 1000;
	return number / 2 + dice(number + 1);
}

static void put_attribute(struct nlmsghdr *nlh, unsigned int type,
			  const char *value)
{
	unsigned char address[16];

	switch (spec_attributes[type].type) {
	case MNL_TYPE_NUL_STRING:
		mnl_attr_put_strz(nlh, type, value);
		break;
	case MNL_TYPE_BINARY:
		if (inet_pton(AF_INET, value, address) == 1)
			mnl_attr_put(nlh, type, 4, address);
		else if (inet_pton(AF_INET6, value, address) == 1)
			mnl_attr_put(nlh, type, 16, address);
		break;
	case MNL_TYPE_U64:
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
	if (strcmp(text, "unended") == 0)
		mnl_attr_put(nlh, LEASTCONN_A_POOL, strlen(value), value);
	type = spec_find(text);
	if (type)
		put_attribute(nlh, type, value);
}

/* What is behind the headers, if there is anything. */
static void damage(struct nlmsghdr *nlh)
{
	size_t head = NLMSG_HDRLEN + sizeof(struct genlmsghdr);

	if (seed && !dice(4))
		nlh->nlmsg_len = head + dice_damage((char *)nlh + head,
						    nlh->nlmsg_len - head);
}

/* The first word is no attribute. */
static size_t put_line(void *buf, uint8_t cmd, const char *line)
{
	struct nlmsghdr *nlh = kernel_row(buf, cmd);
	size_t length;

	while (*line && *line != '\n') {
		length = strcspn(line, " \n");
		put_word(nlh, line, length);
		line += length + (line[length] == ' ');
	}
	damage(nlh);
	/* libmnl reads up to there, and a kernel sends no less. */
	return MNL_ALIGN(nlh->nlmsg_len);
}

static uint8_t command(void)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);

	return genl->cmd;
}

/* Not dumps. */
static bool is_change(void)
{
	return command() == LEASTCONN_CMD_CHANGE ||
	       command() == LEASTCONN_CMD_FLUSH_CLIENTS;
}

/* By the pool that is asked for, if one is: it is a line's first attribute. */
static bool wanted(const char *line)
{
	const struct nlattr *attr;
	char word[64];

	mnl_attr_for_each(attr, request, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != LEASTCONN_A_POOL)
			continue;
		snprintf(word, sizeof(word), " pool=%s ", mnl_attr_get_str(attr));
		line += strcspn(line, " ");
		return strncmp(line, word, strlen(word)) == 0;
	}
	return true;
}

/* The next line of the dump that is asked for, or NULL. */
static char *find_row(char *from)
{
	const char *word = command() == LEASTCONN_CMD_GET_POOLS ? "pools" :
			   command() == LEASTCONN_CMD_GET_CLIENTS ? "clients" :
								     "backends";
	char *line = find_line(from, word);

	while (line && !wanted(line))
		line = strchr(line, '\n') ? find_line(strchr(line, '\n'), word) :
					    NULL;
	return line;
}

static void tell_attribute(FILE *out, const struct nlattr *attr)
{
	unsigned int type = mnl_attr_get_type(attr);
	const unsigned char *bytes = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr), i;

	fprintf(out, " %s", spec_attributes[type].name);
	switch (spec_attributes[type].type) {
	case MNL_TYPE_FLAG:
		break;
	case MNL_TYPE_NUL_STRING:
		fprintf(out, "=%s", mnl_attr_get_str(attr));
		break;
	case MNL_TYPE_BINARY:
		fputc('=', out);
		for (i = 0; i < length; i++)
			fprintf(out, "%02x", bytes[i]);
		break;
	default:
		fprintf(out, "=%u", mnl_attr_get_u32(attr));
	}
}

static void tell(void)
{
	const char *name = getenv("LC_TOLD");
	FILE *out = name ? fopen(name, "a") : NULL;
	const struct nlattr *change, *attr;

	if (!out)
		return;
	mnl_attr_for_each(change, request, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(change) == LEASTCONN_A_CHANGE) {
			fputs("change", out);
			mnl_attr_for_each_nested(attr, change)
				tell_attribute(out, attr);
		} else {
			fputs("filter", out);
			tell_attribute(out, change);
		}
		fputc('\n', out);
	}
	fclose(out);
}

/* Where in the request its change of that number is, somewhere in the middle. */
static uint32_t offset_of(unsigned int number)
{
	const struct nlattr *change;

	mnl_attr_for_each(change, request, sizeof(struct genlmsghdr)) {
		if (--number == 0)
			return (const char *)change - (const char *)request +
			       change->nla_len / 8 * 4;
	}
	return 0;
}

/* As a line with an attribute. */
static char *find_killed(void)
{
	char *line = find_line(paper, "killed");

	if (line)
		line[strlen("killed")] = '=';
	return line;
}

void kernel_receive(const struct nlmsghdr *nlh, size_t length)
{
	(void)length;
	request = nlh;
	row = NULL;
	any_row = false;
	if (nlh->nlmsg_type == GENL_ID_CTRL) {
		read_paper();
		return;
	}
	leftovers = find_line(paper, "leftovers");
	tell();
	if (!is_change())
		row = find_row(paper);
	else if (!find_line(paper, "refuse"))
		row = find_killed();
}

static ssize_t fail_with(int error)
{
	errno = error;
	return -1;
}

static ssize_t send_row(char *buf)
{
	size_t size;

	if (any_row && overrun) {
		overrun--;
		return fail_with(ENOBUFS);
	}
	size = put_line(buf, command(), row);
	any_row = true;
	row = !is_change() && strchr(row, '\n') ?
	      find_row(strchr(row, '\n')) : NULL;
	return size;
}

static size_t put_change_end(char *buf)
{
	char *line = find_line(paper, "refuse");
	unsigned int number;
	char text[256] = "";
	int error;

	if (line && sscanf(line, "refuse %d %u %255[^\n]", &error, &number,
			   text) >= 2)
		return kernel_put_error(buf, error, *text ? text : NULL,
					offset_of(number),
					find_line(paper, "whole"));
	return kernel_put_ack(buf);
}

static size_t put_dump_end(char *buf)
{
	if (!any_row && !wanted(""))
		return kernel_put_error(buf, ENOENT, "no such pool", 0, false);
	return kernel_put_done(buf, torn && torn-- ? NLM_F_DUMP_INTR : 0,
			       -(int)number_after("late"));
}

static size_t send_end(char *buf)
{
	size_t size;

	if (request->nlmsg_type == GENL_ID_CTRL) {
		size = kernel_put_family(buf);
		size += kernel_put_ack(buf + size);
	} else if (is_change()) {
		size = put_change_end(buf);
	} else {
		size = put_dump_end(buf);
	}
	request = NULL;
	return size;
}

/* After the last one the program ends. */
static ssize_t send_event(char *buf)
{
	while (event && *event) {
		char *line = event;

		event = strchr(line, '\n');
		if (event)
			event++;
		if (strncmp(line, "lost", 4) == 0)
			return fail_with(ENOBUFS);
		if (strncmp(line, "event ", 6) == 0)
			return put_line(buf, LEASTCONN_CMD_EVENT, line);
	}
	exit(0);
}

static size_t send_leftovers(char *buf)
{
	size_t size;

	leftovers = false;
	kernel_seq--;
	size = put_line(buf, LEASTCONN_CMD_GET_BACKENDS, "row family=2 port=80");
	size += kernel_put_done(buf + size, 0, 0);
	kernel_seq++;
	return size;
}

static ssize_t send_datagram(char *buf)
{
	if (leftovers)
		return send_leftovers(buf);
	if (!request)
		return send_event(buf);
	return row ? send_row(buf) : (ssize_t)send_end(buf);
}

/* A message that is cut says so most of the time, or it is not looked at. */
static size_t damage_datagram(char *buf, size_t size)
{
	struct nlmsghdr *nlh = (void *)buf;

	size = MNL_ALIGN(dice_damage(buf, size));
	if (size >= sizeof(*nlh) && nlh->nlmsg_len > size && dice(4))
		nlh->nlmsg_len = size;
	kernel_limit_lengths(buf, size);
	return size;
}

ssize_t kernel_send(char *buf, size_t room)
{
	ssize_t size;

	(void)room;
	interrupted = !interrupted && find_line(paper, "interrupt");
	if (interrupted)
		return fail_with(EINTR);
	size = send_datagram(buf);
	return size > 0 && seed && !dice(3) ? (ssize_t)damage_datagram(buf, size) :
					      size;
}

/* ---- the tool ---- */

#undef main
int ctl_main(int argc, char **argv);

static int run_silently(unsigned int with, int argc, char **argv)
{
	char text[16];
	int status;

	if (!fork()) {
		snprintf(text, sizeof(text), "%u", with);
		setenv("LC_SEED", text, 1);
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(2);
		exit(ctl_main(argc, argv));
	}
	if (wait(&status) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const char *seeds = getenv("LC_SEEDS");
	int status;

	if (!seeds)
		return ctl_main(argc, argv);
	for (unsigned int i = 1; i <= strtoul(seeds, NULL, 10); i++) {
		status = run_silently(i, argc, argv);
		if (status < 0 || status > 1) {
			printf("%u\n", i);
			return 1;
		}
	}
	return 0;
}
