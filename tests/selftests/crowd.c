// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd: a host with a hundred thousand addresses, each of them a client.
 *
 *	crowd serve PORT	a daemon, ready on return: answers each datagram
 *				with the address that it was sent to
 *	crowd visit ADDR PORT FROM FROMPORT FIRST LAST
 *				a datagram to ADDR from each of the clients FIRST
 *				to LAST, in this order, also backwards; prints a
 *				line "NUMBER SERVER" for each, least number first
 *
 * Client 0 has the address FROM; of IPv4 the next one has the next address, of IPv6
 * the next prefix of 64 bits. They share a socket: the host must take all of them
 * for its own. Exit status 0: all were answered; 1: not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many as a socket's buffer takes, with room to spare. */
#define WINDOW		128
#define PATIENCE	10	/* seconds */

static uint32_t number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value > 1 << 24)
		errx(1, "'%s' is no number up to %d", text, 1 << 24);
	return value;
}

/* ---- datagrams ---- */

union address {
	struct in_addr	in;
	struct in6_addr	in6;
};

/**
 * struct datagram - with both its addresses
 * @other: the other host's, with its port
 * @own: ours
 * @text: what it says
 */
struct datagram {
	union {
		struct sockaddr		any;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
	} other;
	union address	own;
	char		text[INET6_ADDRSTRLEN];
};

static int open_at(int family, unsigned int port)
{
	struct datagram at = {};
	int fd = socket(family, SOCK_DGRAM, 0), one = 1;
	socklen_t length = family == AF_INET6 ? sizeof(at.other.in6) :
						sizeof(at.other.in);

	at.other.any.sa_family = family;
	at.other.in.sin_port = htons(port);	/* IPv6's is there, too */
	if (fd < 0 ||
	    (family == AF_INET6 ?
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) :
	     setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one))) ||
	    bind(fd, &at.other.any, length))
		err(1, "port %u", port);
	return fd;
}

/**
 * struct batch - datagrams that go by one system call
 * @of: they
 * @count: how many there are
 */
struct batch {
	struct datagram	of[WINDOW];
	unsigned int	count;
};

static struct mmsghdr messages[WINDOW];
static struct iovec iovs[WINDOW];
static _Alignas(struct cmsghdr) char controls[WINDOW][64];

static void prepare(struct batch *batch, unsigned int i, size_t length)
{
	iovs[i] = (struct iovec) { batch->of[i].text, length };
	messages[i].msg_hdr = (struct msghdr) {
		.msg_name	= &batch->of[i].other,
		.msg_namelen	= sizeof(batch->of[i].other),
		.msg_iov	= &iovs[i],
		.msg_iovlen	= 1,
		.msg_control	= controls[i],
		.msg_controllen	= sizeof(controls[i]),
	};
}

/* The control message is of the family's own kind. */
static void put_own(struct msghdr *msg, const struct datagram *datagram)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	struct in_pktinfo in = { .ipi_spec_dst = datagram->own.in };
	struct in6_pktinfo in6 = { .ipi6_addr = datagram->own.in6 };

	if (datagram->other.any.sa_family == AF_INET6) {
		cmsg->cmsg_level = IPPROTO_IPV6;
		cmsg->cmsg_type = IPV6_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(in6));
		memcpy(CMSG_DATA(cmsg), &in6, sizeof(in6));
		msg->msg_namelen = sizeof(datagram->other.in6);
		msg->msg_controllen = CMSG_SPACE(sizeof(in6));
	} else {
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(in));
		memcpy(CMSG_DATA(cmsg), &in, sizeof(in));
		msg->msg_namelen = sizeof(datagram->other.in);
		msg->msg_controllen = CMSG_SPACE(sizeof(in));
	}
}

static void get_own(struct msghdr *msg, struct datagram *datagram)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	struct in6_pktinfo in6;
	struct in_pktinfo in;

	if (!cmsg)
		errx(1, "a datagram to nobody");
	if (cmsg->cmsg_level == IPPROTO_IPV6) {
		memcpy(&in6, CMSG_DATA(cmsg), sizeof(in6));
		datagram->own.in6 = in6.ipi6_addr;
	} else {
		memcpy(&in, CMSG_DATA(cmsg), sizeof(in));
		datagram->own.in = in.ipi_addr;
	}
}

static void put(int fd, struct batch *batch)
{
	unsigned int i;
	int sent;

	for (i = 0; i < batch->count; i++) {
		prepare(batch, i, strlen(batch->of[i].text));
		put_own(&messages[i].msg_hdr, &batch->of[i]);
	}
	for (i = 0; i < batch->count; i += sent) {
		sent = sendmmsg(fd, messages + i, batch->count - i, 0);
		if (sent < 0)
			err(1, "send");
	}
}

/* Those that are there; one at least. */
static void get(int fd, struct batch *batch)
{
	int got;

	for (unsigned int i = 0; i < WINDOW; i++)
		prepare(batch, i, sizeof(batch->of[i].text) - 1);
	got = recvmmsg(fd, messages, WINDOW, MSG_WAITFORONE, NULL);
	if (got < 0)
		err(1, "no answer");
	batch->count = got;
	for (int i = 0; i < got; i++) {
		batch->of[i].text[messages[i].msg_len] = '\0';
		get_own(&messages[i].msg_hdr, &batch->of[i]);
	}
}

/* ---- servers ---- */

static void answer(int fd)
{
	static struct batch batch;

	for (;;) {
		get(fd, &batch);
		for (unsigned int i = 0; i < batch.count; i++)
			inet_ntop(batch.of[i].other.any.sa_family,
				  &batch.of[i].own, batch.of[i].text,
				  sizeof(batch.of[i].text));
		put(fd, &batch);
	}
}

static int serve(char **argv)
{
	int fd = open_at(AF_INET, number(argv[0]));
	int fd6 = open_at(AF_INET6, number(argv[0]));
	pid_t other;

	if (daemon(1, 0))
		err(1, "daemon");
	other = fork();
	if (other < 0)
		err(1, "fork");
	answer(other ? fd : fd6);
	return 1;
}

/* ---- clients ---- */

static int family;
static union address zero;	/* client 0's */

/* The word that tells clients from each other. */
static uint32_t *word(union address *address)
{
	return &address->in6.s6_addr32[family == AF_INET6];
}

static union address client(uint32_t i)
{
	union address address = zero;

	*word(&address) = htonl(ntohl(*word(&zero)) + i);
	return address;
}

static uint32_t number_of(union address *address)
{
	return ntohl(*word(address)) - ntohl(*word(&zero));
}

static void parse(const char *text, int of, void *address)
{
	if (inet_pton(of, text, address) != 1)
		errx(1, "'%s' is no address of that family", text);
}

static struct datagram datagram_to(const char *addr, unsigned int port)
{
	struct datagram to = {};

	to.other.any.sa_family = family;
	to.other.in.sin_port = htons(port);
	parse(addr, family, family == AF_INET6 ? (void *)&to.other.in6.sin6_addr :
						 (void *)&to.other.in.sin_addr);
	return to;
}

/**
 * struct crowd - clients who come
 * @first: the first one
 * @back: and then the one before
 * @count: how many there are
 * @servers: who answered, by number
 * @sent: how many have come
 * @answered: how many were answered
 */
struct crowd {
	uint32_t	first;
	bool		back;
	uint32_t	count;
	char		(*servers)[INET6_ADDRSTRLEN];
	uint32_t	sent, answered;
};

static uint32_t least_of(const struct crowd *crowd)
{
	return crowd->back ? crowd->first - crowd->count + 1 : crowd->first;
}

static void send_some(int fd, struct crowd *crowd, const struct datagram *to)
{
	static struct batch batch;
	uint32_t i;

	batch.count = 0;
	while (crowd->sent < crowd->count &&
	       crowd->sent - crowd->answered < WINDOW) {
		i = crowd->back ? crowd->first - crowd->sent :
				  crowd->first + crowd->sent;
		batch.of[batch.count] = *to;
		batch.of[batch.count++].own = client(i);
		crowd->sent++;
	}
	put(fd, &batch);
}

static void receive_some(int fd, struct crowd *crowd)
{
	static struct batch batch;
	uint32_t i, n;

	get(fd, &batch);
	for (i = 0; i < batch.count; i++) {
		n = number_of(&batch.of[i].own) - least_of(crowd);
		if (n >= crowd->count || crowd->servers[n][0])
			errx(1, "an answer that nobody waits for");
		strcpy(crowd->servers[n], batch.of[i].text);
		crowd->answered++;
	}
}

static int visit(char **argv)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	uint32_t first = number(argv[4]), last = number(argv[5]);
	struct crowd crowd = { .first = first, .back = first > last };
	struct datagram to;
	int fd;

	family = strchr(argv[0], ':') ? AF_INET6 : AF_INET;
	to = datagram_to(argv[0], number(argv[1]));
	parse(argv[2], family, &zero);
	fd = open_at(family, number(argv[3]));
	crowd.count = (crowd.back ? first - last : last - first) + 1;
	crowd.servers = calloc(crowd.count, sizeof(*crowd.servers));
	if (!crowd.servers || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
					 sizeof(patience)))
		err(1, "crowd");
	while (crowd.answered < crowd.count) {
		send_some(fd, &crowd, &to);
		receive_some(fd, &crowd);
	}
	for (uint32_t i = 0; i < crowd.count; i++)
		printf("%u %s\n", least_of(&crowd) + i, crowd.servers[i]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	if (argc == 8 && !strcmp(argv[1], "visit"))
		return visit(argv + 2);
	fprintf(stderr, "usage: crowd serve PORT | crowd visit ADDR PORT FROM FROMPORT FIRST LAST\n");
	return 2;
}
