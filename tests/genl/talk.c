// SPDX-License-Identifier: GPL-2.0-only
/* Messages to the control family, good ones and others, and its answers. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/netfilter.h>

#include "spec.h"
#include "talk.h"

struct talk {
	struct mnl_socket	*socket;
	unsigned int		portid;
	unsigned int		seq;
	uint16_t		family;
	uint32_t		group;
	char			buf[1 << 16] __attribute__((aligned(8)));
};

void (*die_first)(void);

void die_at(const char *file, int line, const char *format, ...)
{
	va_list args;

	if (die_first)
		die_first();
	/* What was said before comes first. */
	fflush(stdout);
	printf("# FAIL: %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_Exit(1);
}

/* ---- sockets ---- */

static void read_group(const struct nlattr *group, struct talk *talk)
{
	const struct nlattr *attr, *id = NULL, *name = NULL;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			name = attr;
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
			id = attr;
	}
	if (id && name &&
	    !strcmp(mnl_attr_get_str(name), LEASTCONN_MCGRP_EVENTS))
		talk->group = mnl_attr_get_u32(id);
}

static void read_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct talk *talk = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			talk->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			mnl_attr_for_each_nested(group, attr)
				read_group(group, talk);
	}
}

static void find_family(struct talk *talk)
{
	struct message *message = message_new(CTRL_CMD_GETFAMILY);
	struct answer answer;

	mnl_attr_put_strz(message->nlh, CTRL_ATTR_FAMILY_NAME,
			  LEASTCONN_GENL_NAME);
	message->nlh->nlmsg_type = GENL_ID_CTRL;
	message->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlh->nlmsg_seq = ++talk->seq;
	if (!talk_send(talk, message->nlh) ||
	    !talk_hear(talk, &answer, read_family, talk) || answer.error)
		die("there is no family %s", LEASTCONN_GENL_NAME);
	message_free(message);
}

struct talk *talk_open(void)
{
	const struct timeval patience = { .tv_sec = 10 };
	struct talk *talk = calloc(1, sizeof(*talk));
	int on = 1, size = 2 * MESSAGE_ROOM, fd;

	if (!talk)
		die("out of memory");
	talk->socket = mnl_socket_open(NETLINK_GENERIC);
	if (!talk->socket ||
	    mnl_socket_bind(talk->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("no socket: %m");
	fd = mnl_socket_get_fd(talk->socket);
	talk->portid = mnl_socket_get_portid(talk->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	mnl_socket_setsockopt(talk->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(talk->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	find_family(talk);
	return talk;
}

void talk_close(struct talk *talk)
{
	mnl_socket_close(talk->socket);
	free(talk);
}

uint16_t talk_family(const struct talk *talk)
{
	return talk->family;
}

struct mnl_socket *talk_socket(const struct talk *talk)
{
	return talk->socket;
}

void talk_join_events(struct talk *talk)
{
	if (mnl_socket_setsockopt(talk->socket, NETLINK_ADD_MEMBERSHIP,
				  &talk->group, sizeof(talk->group)))
		die("joining the events: %m");
}

/* ---- messages ---- */

struct message *message_new(uint8_t cmd)
{
	struct message *message = calloc(1, sizeof(*message));
	struct genlmsghdr *genl;

	if (!message)
		die("out of memory");
	message->changes = malloc(MOST_CHANGES * sizeof(*message->changes));
	message->nlh = mnl_nlmsg_put_header(malloc(MESSAGE_ROOM));
	genl = mnl_nlmsg_put_extra_header(message->nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = LEASTCONN_GENL_VERSION;
	return message;
}

void message_free(struct message *message)
{
	free(message->nlh);
	free(message->changes);
	free(message);
}

static const char *const ops[LEASTCONN_OP_MAX + 1] = {
	[LEASTCONN_OP_POOL_ADD]	= "pool_add",
	[LEASTCONN_OP_POOL_DEL]	= "pool_del",
	[LEASTCONN_OP_ADD]	= "add",
	[LEASTCONN_OP_SET]	= "set",
	[LEASTCONN_OP_DEL]	= "del",
	[LEASTCONN_OP_STATE]	= "state",
	[LEASTCONN_OP_KILL]	= "kill",
	[LEASTCONN_OP_POOL_SET]	= "pool_set",
	[LEASTCONN_OP_EJECT]	= "eject",
};

static void put_address(struct nlmsghdr *nlh, unsigned int type, const char *text)
{
	bool ipv6 = strchr(text, ':');
	unsigned char addr[16];

	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, addr) != 1)
		die("no address: %s", text);
	mnl_attr_put(nlh, type, ipv6 ? 16 : 4, addr);
}

static void put_word(struct nlmsghdr *nlh, char *word)
{
	char *value = strchr(word, '=');
	unsigned int type;

	if (value)
		*value++ = '\0';
	if (!strcmp(word, "addr"))
		mnl_attr_put_u32(nlh, LEASTCONN_A_FAMILY,
				 strchr(value, ':') ? NFPROTO_IPV6 : NFPROTO_IPV4);
	if (!strcmp(word, "addr") || !strcmp(word, "raw")) {
		put_address(nlh, LEASTCONN_A_ADDRESS, value);
		return;
	}
	type = spec_find(word);
	if (!type || !value != (spec_attributes[type].type == MNL_TYPE_FLAG))
		die("no attribute %s", word);
	if (!value)
		mnl_attr_put(nlh, type, 0, NULL);
	else if (spec_attributes[type].type == MNL_TYPE_NUL_STRING)
		mnl_attr_put_strz(nlh, type, value);
	else if (spec_attributes[type].type == MNL_TYPE_BINARY)
		put_address(nlh, type, value);
	else
		mnl_attr_put_u32(nlh, type, strtoul(value, NULL, 0));
}

static void put_words(struct nlmsghdr *nlh, char *words)
{
	char *word, *rest;

	for (word = strtok_r(words, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		put_word(nlh, word);
}

static void put_op(struct nlmsghdr *nlh, const char *name)
{
	for (unsigned int op = 1; op <= LEASTCONN_OP_MAX; op++) {
		if (!strcmp(ops[op], name)) {
			mnl_attr_put_u32(nlh, LEASTCONN_A_OP, op);
			return;
		}
	}
	if (strcmp(name, "-"))
		die("no operation %s", name);
}

void change(struct message *message, const char *format, ...)
{
	char words[512], *rest;
	struct nlattr *nest;
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (message->count == MOST_CHANGES)
		die("too many changes");
	message->changes[message->count++] = message->nlh->nlmsg_len;
	nest = mnl_attr_nest_start(message->nlh, LEASTCONN_A_CHANGE);
	put_op(message->nlh, strtok_r(words, " ", &rest));
	put_words(message->nlh, rest);
	mnl_attr_nest_end(message->nlh, nest);
}

void changes(struct message *message, const char *lines)
{
	size_t length;

	while (*lines) {
		length = strcspn(lines, "\n");
		change(message, "%.*s", (int)length, lines);
		lines += length + (lines[length] == '\n');
	}
}

void attributes(struct message *message, const char *format, ...)
{
	char words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	put_words(message->nlh, words);
}

uint32_t attribute_of_change(const struct message *message, unsigned int at,
			     unsigned int type)
{
	const struct nlattr *attr, *nest = (void *)message->nlh +
					   message->changes[at];

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == type)
			return (const char *)attr - (const char *)message->nlh;
	die("change %u has no attribute %u", at, type);
}

uint32_t attribute_of(const struct message *message, unsigned int type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message->nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == type)
			return (const char *)attr - (const char *)message->nlh;
	die("the message has no attribute %u", type);
}

/* ---- answers ---- */

static void read_ack(const struct nlmsghdr *nlh, size_t skip,
		     struct answer *answer)
{
	const void *begin = mnl_nlmsg_get_payload_offset(nlh, skip);
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each_payload(begin, mnl_nlmsg_get_payload_len(nlh) - skip) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			snprintf(answer->text, sizeof(answer->text), "%s",
				 mnl_attr_get_str(attr));
			break;
		case NLMSGERR_ATTR_OFFS:
			answer->offset = mnl_attr_get_u32(attr);
			break;
		}
	}
}

/* All of them are capped: what was sent is not sent back. */
static void read_error(const struct nlmsghdr *nlh, struct answer *answer)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	answer->error = -err->error;
	if (err->error && !(nlh->nlmsg_flags & NLM_F_CAPPED) &&
	    nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		die("an acknowledgment that is not capped");
	read_ack(nlh, sizeof(*err), answer);
}

static void read_killed(const struct nlmsghdr *nlh, struct answer *answer)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == LEASTCONN_A_KILLED)
			answer->killed = mnl_attr_get_u32(attr);
}

static void read_row(const struct nlmsghdr *nlh, struct answer *answer,
		     row_reader reader, void *data)
{
	answer->rows++;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		die("a dump is not of one moment");
	if (reader)
		reader(nlh, data);
	else
		read_killed(nlh, answer);
}

/* Return: whether the answer has ended. */
static bool read_message(const struct nlmsghdr *nlh, struct answer *answer,
			 row_reader reader, void *data)
{
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		read_error(nlh, answer);
		return true;
	case NLMSG_DONE:
		answer->error = -*(int *)mnl_nlmsg_get_payload(nlh);
		read_ack(nlh, sizeof(int), answer);
		return true;
	default:
		read_row(nlh, answer, reader, data);
		return false;
	}
}

bool talk_send(struct talk *talk, const struct nlmsghdr *nlh)
{
	return mnl_socket_sendto(talk->socket, nlh, nlh->nlmsg_len) ==
	       (ssize_t)nlh->nlmsg_len;
}

bool talk_hear(struct talk *talk, struct answer *answer, row_reader reader,
	       void *data)
{
	const struct nlmsghdr *nlh;
	int length;

	*answer = (struct answer) { .killed = -1 };
	for (;;) {
		length = mnl_socket_recvfrom(talk->socket, talk->buf,
					     sizeof(talk->buf));
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return false;
		for (nlh = (void *)talk->buf; mnl_nlmsg_ok(nlh, length);
		     nlh = mnl_nlmsg_next(nlh, &length)) {
			if (nlh->nlmsg_seq == talk->seq &&
			    read_message(nlh, answer, reader, data))
				return true;
		}
	}
}

void talk_mark(struct talk *talk, struct nlmsghdr *nlh)
{
	nlh->nlmsg_type = talk->family;
	nlh->nlmsg_seq = ++talk->seq;
}

void ask(struct talk *talk, struct message *message, row_reader reader,
	 void *data, struct answer *answer)
{
	talk_mark(talk, message->nlh);
	message->nlh->nlmsg_flags |= NLM_F_REQUEST |
				     (reader ? NLM_F_DUMP : NLM_F_ACK);
	if (!talk_send(talk, message->nlh))
		die("sending %u bytes: %m", message->nlh->nlmsg_len);
	if (!talk_hear(talk, answer, reader, data))
		die("no answer: %m");
}
