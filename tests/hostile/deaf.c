// SPDX-License-Identifier: GPL-2.0-only
/*
 * deaf: asks for dumps and never reads them; listens to events and hears none.
 *
 *	deaf listen COUNT
 *			joins the events on COUNT sockets, each with as long a
 *			filter as it may have, which drops them all; prints
 *			"listening", and holds the sockets until it is killed
 *	deaf hoard COUNT COMMAND
 *			joins the events on a socket, runs COMMAND, leaves them
 *			and reads nothing: COUNT times; prints "hoarding", and
 *			holds the sockets until it is killed
 *	deaf shout COUNT
 *			sends a datagram to each of COUNT addresses and ports of
 *			198.18.0.0/15, others in each process, and ends
 *	deaf seek COUNT
 *			reads far beyond the end of /proc/net/leastconn in COUNT
 *			threads, again and again, until it is killed
 *	deaf full	asks for all clients on a socket whose receive buffer is full:
 *			the kernel begins the dump, and cannot make its first part;
 *			holds the socket until it is killed
 *	deaf COUNT	asks for all pools and for all backends, in turn, on COUNT
 *			sockets; prints how many dumps the kernel began, and
 *			holds the sockets until it is killed
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../genl/talk.h"

/* Refused, for want of memory say: that is the kernel's right. */
static bool begin_dump(uint8_t cmd)
{
	struct message *message = message_new(cmd);
	struct talk *talk = talk_open();
	bool begun;

	talk_mark(talk, message->nlh);
	message->nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	begun = talk_send(talk, message->nlh);
	message_free(message);
	return begun;
}

/* Refusals of other messages, which are not read, leave no room. */
static void begin_without_room(void)
{
	struct message *refused = message_new(LEASTCONN_CMD_GET_POOLS);
	struct message *dump = message_new(LEASTCONN_CMD_GET_CLIENTS);
	struct talk *talk = talk_open();
	int fd = mnl_socket_get_fd(talk_socket(talk)), room = 1, i;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (i = 0; i < 16; i++) {
		talk_mark(talk, refused->nlh);
		refused->nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
		talk_send(talk, refused->nlh);
	}
	talk_mark(talk, dump->nlh);
	dump->nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	talk_send(talk, dump->nlh);
	puts("begun");
}

/* Multiplications for nothing; @n of them. */
static bool attach(int fd, unsigned int n)
{
	struct sock_filter filter[BPF_MAXINSNS];
	struct sock_fprog program = { .len = n + 1, .filter = filter };
	unsigned int i;

	for (i = 0; i < n; i++)
		filter[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL |
							 BPF_K, 3);
	filter[n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			   sizeof(program));
}

/* How long it may be is net.core.optmem_max's to say. */
static void listen_to_nothing(void)
{
	struct talk *talk = talk_open();
	unsigned int n = BPF_MAXINSNS - 1;
	int fd;

	talk_join_events(talk);
	fd = dup(mnl_socket_get_fd(talk_socket(talk)));
	talk_close(talk);
	while (!attach(fd, n)) {
		n /= 2;
		if (!n)
			die("no filter can be attached");
	}
}

static void hoard_on(unsigned int count, const char *command)
{
	int room = 1 << 30, group;

	while (count--) {
		struct talk *talk = talk_open();
		int fd = mnl_socket_get_fd(talk_socket(talk));

		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		talk_join_events(talk);
		if (system(command))
			continue;
		for (group = 1; group < 64; group++)
			setsockopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP,
				   &group, sizeof(group));
		dup(fd);
		talk_close(talk);
	}
	puts("hoarding");
}

static void shout(unsigned int count)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint32_t n = getpid() * 0x9e3779b9;

	for (; count; count--, n++) {
		to.sin_addr.s_addr = htonl(0xc6120000 | (n & 0x1ffff));
		to.sin_port = htons(1024 + (n >> 17 & 0x7fff));
		sendto(fd, "", 1, 0, (void *)&to, sizeof(to));
	}
}

static void __attribute__((noreturn)) wait_for_the_end(void)
{
	fflush(stdout);
	for (;;)
		pause();
}

/* Of files. */
static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void listen_on(unsigned int count)
{
	raise_limit();
	while (count--)
		listen_to_nothing();
	puts("listening");
}

static void *seek(void *unused)
{
	int fd = open("/proc/net/leastconn", O_RDONLY);
	off_t place;
	char byte;

	(void)unused;
	if (fd < 0)
		die("/proc/net/leastconn");
	/* Where the last read ended it would go on. */
	for (place = 1 << 30; ; place ^= 1)
		pread(fd, &byte, 1, place);
	return NULL;
}

static void seek_in(unsigned int count)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	while (count--)
		if (pthread_create(&thread, &attr, seek, NULL))
			die("no thread");
}

int main(int argc, char **argv)
{
	static const uint8_t cmds[] = {
		LEASTCONN_CMD_GET_POOLS, LEASTCONN_CMD_GET_BACKENDS,
	};
	unsigned int begun = 0, count, i;

	if (argc == 3 && !strcmp(argv[1], "listen")) {
		listen_on(strtoul(argv[2], NULL, 10));
		wait_for_the_end();
	}
	if (argc == 4 && !strcmp(argv[1], "hoard")) {
		raise_limit();
		hoard_on(strtoul(argv[2], NULL, 10), argv[3]);
		wait_for_the_end();
	}
	if (argc == 3 && !strcmp(argv[1], "shout")) {
		shout(strtoul(argv[2], NULL, 10));
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "seek")) {
		seek_in(strtoul(argv[2], NULL, 10));
		wait_for_the_end();
	}
	if (argc == 2 && !strcmp(argv[1], "full")) {
		begin_without_room();
		wait_for_the_end();
	}
	if (argc != 2) {
		fprintf(stderr, "usage: deaf [listen|hoard|shout|seek] COUNT [COMMAND]\n");
		return 2;
	}
	count = strtoul(argv[1], NULL, 10);
	for (i = 0; i < count; i++)
		begun += begin_dump(cmds[i % 2]);
	printf("%u dumps of %u begun\n", begun, count);
	wait_for_the_end();
}
