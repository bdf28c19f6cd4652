// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <sanitizer/asan_interface.h>
#include <linux/netlink.h>

#include "kernel.h"

#define PORTID	4711
#define COPY	100	/* bytes of a request that an error repeats */

uint32_t kernel_seq;
static uint16_t multi;	/* the flag, if a dump is answered */

/* ---- messages ---- */

struct nlmsghdr *kernel_message(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = kernel_seq;
	nlh->nlmsg_pid = PORTID;
	return nlh;
}

static struct nlmsghdr *generic_message(void *buf, uint16_t type, uint8_t cmd)
{
	struct nlmsghdr *nlh = kernel_message(buf, type, multi);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = cmd;
	return nlh;
}

struct nlmsghdr *kernel_row(void *buf, uint8_t cmd)
{
	return generic_message(buf, KERNEL_FAMILY, cmd);
}

size_t kernel_put_family(void *buf)
{
	struct nlmsghdr *nlh = generic_message(buf, GENL_ID_CTRL,
					       CTRL_CMD_NEWFAMILY);
	struct nlattr *groups, *group;

	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, KERNEL_FAMILY);
	groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
	group = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, 9);
	mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, LEASTCONN_MCGRP_EVENTS);
	mnl_attr_nest_end(nlh, group);
	mnl_attr_nest_end(nlh, groups);
	return MNL_ALIGN(nlh->nlmsg_len);
}

size_t kernel_put_error(void *buf, int error, const char *sentence,
			uint32_t offset, bool whole)
{
	struct nlmsghdr *nlh = kernel_message(buf, NLMSG_ERROR,
					      (whole ? 0 : NLM_F_CAPPED) |
					      (sentence ? NLM_F_ACK_TLVS : 0));
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));

	err->error = -error;
	err->msg.nlmsg_len = COPY;
	if (whole)
		mnl_nlmsg_put_extra_header(nlh, COPY - sizeof(err->msg));
	if (sentence)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, sentence);
	if (sentence && offset)
		mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, offset);
	return MNL_ALIGN(nlh->nlmsg_len);
}

size_t kernel_put_ack(void *buf)
{
	return kernel_put_error(buf, 0, NULL, 0, false);
}

size_t kernel_put_done(void *buf, uint16_t flags, int error)
{
	struct nlmsghdr *nlh = kernel_message(buf, NLMSG_DONE,
					      NLM_F_MULTI | flags);

	*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = error;
	return MNL_ALIGN(nlh->nlmsg_len);
}

void kernel_limit_lengths(char *buf, size_t size)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= size; ) {
		struct nlmsghdr *nlh = (void *)(buf + at);

		nlh->nlmsg_len &= 0xffffff;
		if (nlh->nlmsg_len < sizeof(*nlh))
			return;
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
}

/* ---- in place of libmnl's sockets ---- */

struct mnl_socket *mnl_socket_open(int bus)
{
	(void)bus;
	return malloc(1);
}

int mnl_socket_bind(struct mnl_socket *socket, unsigned int groups, pid_t pid)
{
	(void)socket, (void)groups, (void)pid;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *socket)
{
	(void)socket;
	return -1;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *socket)
{
	(void)socket;
	return PORTID;
}

int mnl_socket_setsockopt(const struct mnl_socket *socket, int type, void *buf,
			  socklen_t length)
{
	(void)socket, (void)type, (void)buf, (void)length;
	return 0;
}

int mnl_socket_close(struct mnl_socket *socket)
{
	free(socket);
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *buf,
			  size_t length)
{
	const struct nlmsghdr *nlh = buf;

	(void)socket;
	kernel_seq = nlh->nlmsg_seq;
	multi = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP ? NLM_F_MULTI : 0;
	kernel_receive(nlh, length);
	return length;
}

/* The sanitizer reports a read behind the bytes that were received. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *buf,
			    size_t room)
{
	ssize_t size;

	(void)socket;
	ASAN_UNPOISON_MEMORY_REGION(buf, room);
	memset(buf, 0xa5, room);
	size = kernel_send(buf, room);
	if (size >= 0)
		ASAN_POISON_MEMORY_REGION((char *)buf + size, room - size);
	return size;
}
