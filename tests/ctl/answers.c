// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl/nl.c with a socket of paper: libmnl's functions that speak to the kernel
 * are ours here, and what they receive is what no kernel sends, and what one
 * seldom does: interruptions, leftovers of other requests, dumps that are torn,
 * lengths that lie, thousands of damaged datagrams. Linked with sanitizers.
 *
 * A round runs in a child: the program may end by a refusal, never otherwise.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/leastconn.h>
#include <linux/netlink.h>

#include "../../ctl/nl.h"
#include "../../ctl/request.h"
#include "../ktap.h"

#define FAMILY		31
#define PORTID		4711
#define DAMAGED_ROUNDS	1000
#define MOST		16

/* What recv() is to return, one after the other. */
static struct datagram {
	int	error;
	size_t	length;
	char	bytes[2048] __attribute__((aligned(8)));
} datagrams[MOST];
static unsigned int count, at, messages;
static uint32_t seq;

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

static struct nlmsghdr *message(uint16_t type, uint16_t flags)
{
	struct datagram *datagram = &datagrams[count];
	struct nlmsghdr *nlh;

	nlh = mnl_nlmsg_put_header(datagram->bytes + datagram->length);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = seq;
	nlh->nlmsg_pid = PORTID;
	return nlh;
}

static void end_message(struct nlmsghdr *nlh)
{
	datagrams[count].length += MNL_ALIGN(nlh->nlmsg_len);
}

static void end_datagram(void)
{
	count++;
}

static void fails(int error)
{
	datagrams[count++].error = error;
}

static void answer_backend(void)
{
	struct nlmsghdr *nlh = message(FAMILY, NLM_F_MULTI);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = LEASTCONN_CMD_GET_BACKENDS;
	mnl_attr_put_u32(nlh, LEASTCONN_A_PORT, 80);
	end_message(nlh);
}

static void answer_done(uint16_t flags, int error)
{
	struct nlmsghdr *nlh = message(NLMSG_DONE, NLM_F_MULTI | flags);

	*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = error;
	end_message(nlh);
	end_datagram();
}

/* @sentence: NULL for none; @whole: with a copy of the request. */
static void answer_error(int error, const char *sentence, uint32_t offset,
			 bool whole)
{
	struct nlmsghdr *nlh = message(NLMSG_ERROR,
				       (whole ? 0 : NLM_F_CAPPED) |
				       (sentence ? NLM_F_ACK_TLVS : 0));
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));

	err->error = -error;
	err->msg.nlmsg_len = 100;
	if (whole)
		mnl_nlmsg_put_extra_header(nlh, 100 - sizeof(err->msg));
	if (sentence) {
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, sentence);
		mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, offset);
	}
	end_message(nlh);
	end_datagram();
}

static void answer_family(void)
{
	struct nlmsghdr *nlh = message(GENL_ID_CTRL, 0);
	struct nlattr *groups, *group;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, FAMILY);
	groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
	group = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, 9);
	mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, LEASTCONN_MCGRP_EVENTS);
	mnl_attr_nest_end(nlh, group);
	mnl_attr_nest_end(nlh, groups);
	end_message(nlh);
	end_datagram();
	answer_error(0, NULL, 0, false);
}

/* What each round answers to a request of ours, once the family is known. */
static void (*answer)(void);
static unsigned int damaged;

static void damage(struct datagram *datagram)
{
	int i;

	for (i = random() % 6; i > 0 && datagram->length; i--)
		datagram->bytes[random() % datagram->length] =
			random() % 2 ? random() % 40 : random();
	if (random() % 8 == 0 && datagram->length)
		datagram->length = random() % datagram->length;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *request,
			  size_t length)
{
	const struct nlmsghdr *nlh = request;
	unsigned int i;

	(void)socket;
	memset(datagrams, 0, sizeof(datagrams));
	count = at = messages = 0;
	seq = nlh->nlmsg_seq;
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		answer_family();
	else
		answer();
	for (i = 0; damaged && i < count; i++)
		damage(&datagrams[i]);
	return length;
}

/* In a buffer of its very length, for the sanitizer. Then the paper ends. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *buf,
			    size_t size)
{
	struct datagram *datagram = &datagrams[at];

	(void)socket;
	if (at++ >= count)
		exit(1);
	if (datagram->error) {
		errno = datagram->error;
		return -1;
	}
	memset(buf, 0xa5, size);
	memcpy(buf, datagram->bytes, datagram->length);
	return datagram->length;
}

static void count_message(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh, (void)data;
	messages++;
}

static enum nl_dump_result dump(struct nl_refusal *refusal)
{
	enum nl_dump_result result;
	struct request request;
	struct nl *nl = nl_open();

	request_begin(&request, LEASTCONN_CMD_GET_BACKENDS);
	result = nl_dump(nl, &request, count_message, NULL, refusal);
	request_free(&request);
	nl_close(nl);
	return result;
}

static void two_backends(void)
{
	fails(EINTR);
	answer_backend();
	end_datagram();
	fails(EINTR);
	answer_backend();
	answer_done(0, 0);
}

static void test_interrupted(void)
{
	struct nl_refusal refusal;

	answer = two_backends;
	if (dump(&refusal) != NL_DUMPED || messages != 2)
		fail("%u messages", messages);
}

static void leftovers(void)
{
	seq--;
	answer_backend();
	answer_done(0, 0);
	seq++;
	answer_backend();
	answer_done(0, 0);
}

static void test_leftovers_of_another_request(void)
{
	struct nl_refusal refusal;

	answer = leftovers;
	if (dump(&refusal) != NL_DUMPED || messages != 1)
		fail("%u messages", messages);
}

static void torn(void)
{
	answer_backend();
	answer_done(NLM_F_DUMP_INTR, 0);
}

static void overflown(void)
{
	answer_backend();
	end_datagram();
	fails(ENOBUFS);
}

static void test_torn(void)
{
	struct nl_refusal refusal;

	answer = torn;
	if (dump(&refusal) != NL_TORN)
		fail("a torn dump passes");
	answer = overflown;
	if (dump(&refusal) != NL_TORN)
		fail("a dump with a part lost passes");
}

static void late_error(void)
{
	answer_backend();
	answer_done(0, -ENOMEM);
}

static void whole_error(void)
{
	answer_error(EEXIST, "it is \033there", 77, true);
}

static void capped_error(void)
{
	answer_error(EEXIST, "it is there", 77, false);
}

static void silent_error(void)
{
	answer_error(EPERM, NULL, 0, false);
}

static void test_refusals(void)
{
	struct nl_refusal refusal;

	answer = late_error;
	if (dump(&refusal) != NL_DUMP_REFUSED || refusal.error != ENOMEM)
		fail("a dump that fails at last: %d", refusal.error);
	answer = whole_error;
	if (dump(&refusal) != NL_DUMP_REFUSED || refusal.error != EEXIST ||
	    refusal.offset != 77 || strcmp(refusal.text, "it is  there") != 0)
		fail("after a copy of the request: %d, %u, %s", refusal.error,
		     refusal.offset, refusal.text);
	answer = capped_error;
	if (dump(&refusal) != NL_DUMP_REFUSED || refusal.error != EEXIST ||
	    refusal.offset != 77 || strcmp(nl_sentence(&refusal), "it is there") != 0)
		fail("without one: %d, %u, %s", refusal.error, refusal.offset,
		     refusal.text);
	answer = silent_error;
	if (dump(&refusal) != NL_DUMP_REFUSED ||
	    !strstr(nl_sentence(&refusal), "needs root"))
		fail("EPERM: %s", nl_sentence(&refusal));
}

static void everything(void)
{
	switch (random() % 4) {
	case 0:
		whole_error();
		break;
	case 1:
		capped_error();
		break;
	case 2:
		leftovers();
		break;
	default:
		two_backends();
	}
}

static void test_damaged(void)
{
	struct nl_refusal refusal;
	int status;

	answer = everything;
	fflush(stdout);
	for (damaged = 1; damaged <= DAMAGED_ROUNDS; damaged++) {
		if (fork() == 0) {
			/* Refusals are many. */
			fclose(stderr);
			stderr = fopen("/dev/null", "w");
			srandom(damaged);
			dump(&refusal);
			_exit(0);
		}
		if (wait(&status) < 0 || !WIFEXITED(status) ||
		    WEXITSTATUS(status) > 1)
			fail("round %u: status %x", damaged,
			     (unsigned int)status);
	}
	damaged = 0;
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "interrupted", test_interrupted },
		{ "leftovers of another request", test_leftovers_of_another_request },
		{ "torn dumps", test_torn },
		{ "refusals", test_refusals },
		{ "damaged", test_damaged },
	};

	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
