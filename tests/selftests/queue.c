// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue: accepts all packets of NFQUEUE, each after a while.
 *
 *	queue NUMBER MILLISECONDS [PROCESSOR]
 *
 * Prints "bound" when it is ready. Ends with SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#define MOST	4096U

struct held {
	uint32_t	id;	/* as the kernel has it */
	uint64_t	due;	/* milliseconds */
};

static struct held held[MOST];
static unsigned int first, count;
static struct mnl_socket *nl;
static uint16_t number;
static uint64_t delay;

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000ULL + at.tv_nsec / 1000000;
}

static struct nlmsghdr *begin(void *buf, int type)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *message;

	header->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | type;
	header->nlmsg_flags = NLM_F_REQUEST;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->version = NFNETLINK_V0;
	message->res_id = htons(number);
	return header;
}

static void send_message(const struct nlmsghdr *header)
{
	if (mnl_socket_sendto(nl, header, header->nlmsg_len) < 0)
		err(1, "sendto");
}

static void bind_queue(void)
{
	struct nfqnl_msg_config_cmd command = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = { .copy_mode = NFQNL_COPY_META };
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *header;

	header = begin(buf, NFQNL_MSG_CONFIG);
	mnl_attr_put(header, NFQA_CFG_CMD, sizeof(command), &command);
	mnl_attr_put(header, NFQA_CFG_PARAMS, sizeof(params), &params);
	send_message(header);
}

static void accept_packet(uint32_t id)
{
	struct nfqnl_msg_verdict_hdr verdict = {
		.verdict	= htonl(NF_ACCEPT),
		.id		= id,
	};
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *header = begin(buf, NFQNL_MSG_VERDICT);

	mnl_attr_put(header, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	send_message(header);
}

static int hold(const struct nlmsghdr *header, void *data)
{
	const struct nfqnl_msg_packet_hdr *packet;
	const struct nlattr *attr;

	(void)data;
	mnl_attr_for_each(attr, header, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFQA_PACKET_HDR)
			continue;
		if (count == MOST)
			errx(1, "more than %u packets", MOST);
		packet = mnl_attr_get_payload(attr);
		held[(first + count++) % MOST] = (struct held) {
			packet->packet_id, now() + delay,
		};
	}
	return MNL_CB_OK;
}

static void receive(void)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	ssize_t length = mnl_socket_recvfrom(nl, buf, sizeof(buf));

	if (length < 0 || mnl_cb_run(buf, length, 0, 0, hold, NULL) < 0)
		err(1, "the queue");
}

static void release(void)
{
	while (count && held[first].due <= now()) {
		accept_packet(held[first].id);
		first = (first + 1) % MOST;
		count--;
	}
}

static void pin(const char *processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(processor), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "processor %s", processor);
}

int main(int argc, char **argv)
{
	struct pollfd fd;

	if (argc < 3)
		errx(2, "usage: queue NUMBER MILLISECONDS [PROCESSOR]");
	number = atoi(argv[1]);
	delay = atoi(argv[2]);
	if (argc > 3)
		pin(argv[3]);
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		err(1, "netlink");
	bind_queue();
	puts("bound");
	fflush(stdout);
	fd = (struct pollfd){ .fd = mnl_socket_get_fd(nl), .events = POLLIN };
	for (;;) {
		if (poll(&fd, 1, count ? 1 : -1) > 0)
			receive();
		release();
	}
}
