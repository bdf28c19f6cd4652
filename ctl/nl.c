// SPDX-License-Identifier: GPL-2.0-only
/* The netlink socket: requests, answers and events. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/leastconn.h>

#include "clock.h"
#include "message.h"
#include "nl.h"
#include "request.h"

/* The kernel sends at most 32 KiB at a time. */
#define RECEIVE_SIZE	65536

/* A restore of thousands of backends sends as many events at once. */
#define EVENT_BUFFER	(4 << 20)

/* Retry for 30 s while the kernel says EAGAIN. */
#define RETRY_PAUSE_MS	50
#define RETRY_MAX	600

struct nl {
	struct mnl_socket	*socket;
	unsigned int		portid;
	unsigned int		seq;
	uint16_t		family;
	uint32_t		group;
	char			buf[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/**
 * struct answer - an answer while it is read
 * @seq: sequence number of the request
 * @reader: called for each message
 * @data: passed to @reader
 * @error: set if the answer is an error
 * @interrupted: the dump is inconsistent
 * @ended: the last message was read
 */
struct answer {
	unsigned int		seq;
	nl_reader		reader;
	void			*data;
	struct nl_error		*error;
	bool			interrupted;
	bool			ended;
};

const char *nl_error_text(const struct nl_error *error)
{
	if (error->text[0])
		return error->text;
	if (error->code == EPERM || error->code == EACCES)
		return "this needs root (CAP_NET_ADMIN over the network namespace)";
	return strerror(error->code);
}

/* The text goes to a terminal: replace control characters. */
static void copy_text(char *to, size_t size, const struct nlattr *attr)
{
	const char *from = mnl_attr_get_payload(attr);
	size_t length = strnlen(from, mnl_attr_get_payload_len(attr));
	size_t i;

	if (length >= size)
		length = size - 1;
	for (i = 0; i < length; i++)
		to[i] = (unsigned char)from[i] < ' ' ? ' ' : from[i];
	to[length] = '\0';
}

static void read_ack_attributes(const struct nlmsghdr *nlh, size_t skip,
				struct nl_error *error)
{
	const struct nlattr *attr;
	size_t length = mnl_nlmsg_get_payload_len(nlh);
	const void *begin = (const char *)mnl_nlmsg_get_payload(nlh) + skip;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || length < skip)
		return;
	mnl_attr_for_each_payload(begin, length - skip) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			copy_text(error->text, sizeof(error->text), attr);
			break;
		case NLMSGERR_ATTR_OFFS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				error->offset = mnl_attr_get_u32(attr);
			break;
		}
	}
}

/* Return: the errno; EBADMSG if the number cannot be one. */
static int errno_of(int error)
{
	return error <= 0 && error >= -4095 ? -error : EBADMSG;
}

/* An acknowledgement is an NLMSG_ERROR with error 0. */
static void read_error(const struct nlmsghdr *nlh, struct answer *answer)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*err);

	answer->ended = true;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err)) {
		answer->error->code = EBADMSG;
		return;
	}
	answer->error->code = errno_of(err->error);
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += MNL_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	read_ack_attributes(nlh, skip, answer->error);
}

static void read_done(const struct nlmsghdr *nlh, struct answer *answer)
{
	int error = 0;

	answer->ended = true;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error))
		return;
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error >= 0)
		return;
	answer->error->code = errno_of(error);
	read_ack_attributes(nlh, sizeof(error), answer->error);
}

static void read_message(const struct nlmsghdr *nlh, struct answer *answer)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		break;
	case NLMSG_ERROR:
		read_error(nlh, answer);
		break;
	case NLMSG_DONE:
		read_done(nlh, answer);
		break;
	default:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct genlmsghdr) &&
		    answer->reader)
			answer->reader(nlh, answer->data);
	}
}

/* Return: bytes received, or -1 with errno, which is never EINTR. */
static ssize_t receive(struct nl *nl)
{
	ssize_t length;

	do {
		length = mnl_socket_recvfrom(nl->socket, nl->buf, sizeof(nl->buf));
	} while (length < 0 && errno == EINTR);
	return length;
}

static void read_answer(struct nl *nl, struct answer *answer)
{
	const struct nlmsghdr *nlh;
	ssize_t got;
	int length;

	while (!answer->ended) {
		got = receive(nl);
		if (got < 0 && errno == ENOBUFS) {
			answer->interrupted = true;
			return;
		}
		if (got < 0)
			die("cannot read from the kernel: %s", strerror(errno));
		length = got;
		for (nlh = (void *)nl->buf; mnl_nlmsg_ok(nlh, length);
		     nlh = mnl_nlmsg_next(nlh, &length)) {
			/* Skip what is left of the answer to an earlier request. */
			if (mnl_nlmsg_seq_ok(nlh, answer->seq) &&
			    mnl_nlmsg_portid_ok(nlh, nl->portid))
				read_message(nlh, answer);
		}
	}
}

/* All changes are one message: make the send buffer large enough if allowed. */
static void grow_send_buffer(struct nl *nl, size_t length)
{
	int fd = mnl_socket_get_fd(nl->socket);
	int size = length > INT_MAX / 4 ? INT_MAX / 4 : (int)length + 4096;
	int has = 0;
	socklen_t size_of = sizeof(has);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &has, &size_of) == 0 &&
	    has >= size)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void send_request(struct nl *nl, struct nlmsghdr *nlh)
{
	ssize_t sent;

	grow_send_buffer(nl, nlh->nlmsg_len);
	do {
		sent = mnl_socket_sendto(nl->socket, nlh, nlh->nlmsg_len);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return;
	if (errno == EMSGSIZE || errno == ENOBUFS)
		die("a request of %u bytes exceeds the socket's send buffer; raise net.core.wmem_max, or restore fewer lines at a time",
		    nlh->nlmsg_len);
	die("cannot write to the kernel: %s", strerror(errno));
}

/* Return: true if the answer, which may be an error, is complete. */
static bool exchange(struct nl *nl, struct nlmsghdr *nlh, unsigned int flags,
		     nl_reader reader, void *data, struct nl_error *error)
{
	struct answer answer = {
		.seq		= ++nl->seq,
		.reader		= reader,
		.data		= data,
		.error		= error,
	};

	memset(error, 0, sizeof(*error));
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = answer.seq;
	send_request(nl, nlh);
	read_answer(nl, &answer);
	return !answer.interrupted;
}

/*
 * Commands from all network namespaces of one user share a limit in the kernel,
 * which answers EAGAIN when it is reached. Wait. Return: true to try again.
 */
static bool retry_wait(const struct nl_error *error, unsigned int *tries)
{
	if (error->code != EAGAIN || ++*tries > RETRY_MAX)
		return false;
	clock_sleep(RETRY_PAUSE_MS);
	return true;
}

/* Send a request to the leastconn family. Return: as exchange(). */
static bool exchange_retry(struct nl *nl, struct request *request,
			   unsigned int flags, nl_reader reader, void *data,
			   struct nl_error *error)
{
	struct nlmsghdr *nlh = request_header(request);
	unsigned int tries = 0;

	nlh->nlmsg_type = nl->family;
	do {
		if (!exchange(nl, nlh, flags, reader, data, error))
			return false;
	} while (retry_wait(error, &tries));
	return true;
}

bool nl_transact(struct nl *nl, struct request *request, nl_reader reader,
		 void *data, struct nl_error *error)
{
	if (!exchange_retry(nl, request, NLM_F_ACK, reader, data, error))
		die("the kernel's answer was lost; check with \"" PROGRAM " list\" whether the change was made");
	return error->code == 0;
}

enum nl_dump_result nl_dump(struct nl *nl, struct request *request,
			    nl_reader reader, void *data,
			    struct nl_error *error)
{
	if (!exchange_retry(nl, request, NLM_F_DUMP, reader, data, error))
		return NL_DUMP_INTERRUPTED;
	return error->code == 0 ? NL_DUMP_OK : NL_DUMP_ERROR;
}

static void read_group(const struct nlattr *group, struct nl *nl)
{
	const struct nlattr *attr, *id = NULL, *name = NULL;

	mnl_attr_for_each_nested(attr, group) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_MCAST_GRP_NAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				name = attr;
			break;
		case CTRL_ATTR_MCAST_GRP_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				id = attr;
			break;
		}
	}
	if (id && name &&
	    strcmp(mnl_attr_get_str(name), LEASTCONN_MCGRP_EVENTS) == 0)
		nl->group = mnl_attr_get_u32(id);
}

static void read_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct nl *nl = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
				nl->family = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			mnl_attr_for_each_nested(group, attr)
				read_group(group, nl);
			break;
		}
	}
}

static void find_family(struct nl *nl)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nl_error error;
	struct genlmsghdr *genl;

	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, LEASTCONN_GENL_NAME);
	nlh->nlmsg_type = GENL_ID_CTRL;
	exchange(nl, nlh, NLM_F_ACK, read_family, nl, &error);
	if (error.code == ENOENT || (!error.code && !nl->family))
		die("the kernel module is not loaded, or is older than this tool: modprobe xt_LEASTCONN");
	if (error.code)
		die("cannot find the kernel module: %s", nl_error_text(&error));
}

struct nl *nl_open(void)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int on = 1;

	if (!nl)
		die("out of memory");
	nl->socket = mnl_socket_open(NETLINK_GENERIC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("cannot open a netlink socket: %s", strerror(errno));
	nl->portid = mnl_socket_get_portid(nl->socket);
	/* Get the kernel's messages, and errors without a copy of the request. */
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	find_family(nl);
	return nl;
}

void nl_close(struct nl *nl)
{
	mnl_socket_close(nl->socket);
	free(nl);
}

void nl_subscribe(struct nl *nl)
{
	int size = EVENT_BUFFER;
	int notify = GENL_ID_CTRL;
	int fd = mnl_socket_get_fd(nl->socket);

	if (!nl->group)
		die("the kernel module does not send events; load a newer version");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP,
				  &nl->group, sizeof(nl->group)) != 0) {
		struct nl_error error = { .code = errno };

		die("%s", nl_error_text(&error));
	}
	/* Get a notification when the kernel module is unloaded. */
	mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &notify,
			      sizeof(notify));
}

/* Without this, monitor would wait forever after the module was replaced. */
static void read_ctrl_event(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (genl->cmd != CTRL_CMD_DELFAMILY)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*genl)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
		    strcmp(mnl_attr_get_str(attr), LEASTCONN_GENL_NAME) == 0)
			die("the kernel module has been unloaded");
	}
}

bool nl_read_events(struct nl *nl, nl_reader reader, void *data)
{
	const struct nlmsghdr *nlh;
	ssize_t got = receive(nl);
	int length = got;

	if (got < 0 && errno == ENOBUFS)
		return false;
	if (got < 0)
		die("cannot read from the kernel: %s", strerror(errno));
	for (nlh = (void *)nl->buf; mnl_nlmsg_ok(nlh, length);
	     nlh = mnl_nlmsg_next(nlh, &length)) {
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
			continue;
		if (nlh->nlmsg_type == nl->family)
			reader(nlh, data);
		else if (nlh->nlmsg_type == GENL_ID_CTRL)
			read_ctrl_event(nlh);
	}
	return true;
}
