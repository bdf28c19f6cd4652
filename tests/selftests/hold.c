// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: keeps the packets of a netfilter queue until it is told to let go.
 *
 *	hold QUEUE PIDFILE	a daemon, bound to the queue on return. With
 *				SIGTERM it accepts all it holds, in the order
 *				they came, and ends.
 *
 * How many it holds stands in /proc/net/netfilter/nfnetlink_queue. Use
 * --queue-bypass, and packets that come after its end go their way.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HELD	1024

static int nl;
static uint16_t queue;
static uint32_t held[MAX_HELD];
static unsigned int n_held;
static volatile sig_atomic_t told;

/* A message about our queue with one attribute, as nfnetlink wants it. */
static void request(uint16_t type, uint16_t attr, const void *data,
		    uint16_t len, bool ack)
{
	struct {
		struct nlmsghdr		nlh;
		struct nfgenmsg		nfg;
		struct nlattr		nla;
		char			data[64];
	} msg = {
		.nlh = {
			.nlmsg_len	= NLMSG_LENGTH(sizeof(msg.nfg)) +
					  NLA_HDRLEN + NLA_ALIGN(len),
			.nlmsg_type	= NFNL_SUBSYS_QUEUE << 8 | type,
			.nlmsg_flags	= NLM_F_REQUEST | (ack ? NLM_F_ACK : 0),
		},
		.nfg.res_id	= htons(queue),
		.nla = { .nla_len = NLA_HDRLEN + len, .nla_type = attr },
	};
	struct {
		struct nlmsghdr		nlh;
		struct nlmsgerr		err;
		char			rest[256];
	} reply;

	memcpy(msg.data, data, len);
	if (send(nl, &msg, msg.nlh.nlmsg_len, 0) < 0)
		err(1, "send");
	if (!ack)
		return;
	if (recv(nl, &reply, sizeof(reply), 0) < (ssize_t)sizeof(reply.nlh) ||
	    reply.nlh.nlmsg_type != NLMSG_ERROR)
		errx(1, "no acknowledgement");
	if (reply.err.error)
		errx(1, "queue %u: %s", queue, strerror(-reply.err.error));
}

static void bind_queue(void)
{
	const struct nfqnl_msg_config_cmd cmd = {
		.command = NFQNL_CFG_CMD_BIND,
	};
	const struct nfqnl_msg_config_params params = {
		.copy_mode = NFQNL_COPY_META,
	};

	request(NFQNL_MSG_CONFIG, NFQA_CFG_CMD, &cmd, sizeof(cmd), true);
	request(NFQNL_MSG_CONFIG, NFQA_CFG_PARAMS, &params, sizeof(params),
		true);
}

static void take(const struct nlmsghdr *nlh)
{
	const char *at = (const char *)NLMSG_DATA(nlh) +
			 NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const char *end = (const char *)nlh + nlh->nlmsg_len;

	while (end - at >= NLA_HDRLEN) {
		const struct nlattr *nla = (const void *)at;
		const struct nfqnl_msg_packet_hdr *hdr =
			(const void *)(at + NLA_HDRLEN);

		if (nla->nla_len < NLA_HDRLEN)
			return;
		if ((nla->nla_type & NLA_TYPE_MASK) == NFQA_PACKET_HDR) {
			if (n_held == MAX_HELD)
				errx(1, "too many packets");
			held[n_held++] = hdr->packet_id;
		}
		at += NLA_ALIGN(nla->nla_len);
	}
}

static void receive(void)
{
	static char buf[65536];
	ssize_t n = recv(nl, buf, sizeof(buf), MSG_DONTWAIT);
	unsigned int left = n > 0 ? n : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		err(1, "recv");
	for (struct nlmsghdr *nlh = (void *)buf; NLMSG_OK(nlh, left);
	     nlh = NLMSG_NEXT(nlh, left))
		if (nlh->nlmsg_type ==
		    (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
			take(nlh);
}

static void let_go(void)
{
	for (unsigned int i = 0; i < n_held; i++) {
		const struct nfqnl_msg_verdict_hdr verdict = {
			.verdict = htonl(NF_ACCEPT),
			.id	 = held[i],
		};

		request(NFQNL_MSG_VERDICT, NFQA_VERDICT_HDR, &verdict,
			sizeof(verdict), false);
	}
}

static void on_term(int sig)
{
	(void)sig;
	told = 1;
}

static void write_pid(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file))
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term };
	sigset_t term, none;

	if (argc != 3) {
		fprintf(stderr, "usage: hold QUEUE PIDFILE\n");
		return 2;
	}
	queue = strtoul(argv[1], NULL, 10);
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (nl < 0)
		err(1, "netlink");
	sigemptyset(&none);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	sigaction(SIGTERM, &action, NULL);
	bind_queue();
	if (daemon(1, 0))
		err(1, "daemon");
	write_pid(argv[2]);
	while (!told) {
		struct pollfd pfd = { .fd = nl, .events = POLLIN };

		if (ppoll(&pfd, 1, NULL, &none) > 0)
			receive();
	}
	receive();
	let_go();
	return 0;
}
