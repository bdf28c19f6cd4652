// SPDX-License-Identifier: GPL-2.0-only
/*
 * server NAME PORT WORKERS MS [FIRST FIRST-MS]: a backend of a known capacity. It
 * accepts every connection at once, keeps one of its workers busy with it for MS
 * milliseconds (the first FIRST connections: FIRST-MS), then answers with its
 * NAME and closes. Who finds no worker free waits, in the order of arrival. It
 * does the work for those who have given up, too: it cannot know. Goes into the
 * background when it listens.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../load/machine.h"
#include "../load/number.h"
#include "../load/say.h"

#define MS		((uint64_t)1000000)
#define WORKERS		1024U
#define WAITING		65536U

static struct worker {
	int		client;		/* -1: idle */
	uint64_t	until;
} workers[WORKERS];
static unsigned int worker_count;

static int waiting[WAITING];
static unsigned int arrived, begun;	/* ever */

static const char *name;
static uint64_t service, first_service;
static unsigned int first;

static void parse(int argc, char **argv)
{
	if (argc != 5 && argc != 7)
		errx(1, "usage: server NAME PORT WORKERS MS [FIRST FIRST-MS]");
	name = argv[1];
	worker_count = number(argv[3], 0, WORKERS);
	service = number(argv[4], 0, 60000) * MS;
	if (argc == 7) {
		first = number(argv[5], 0, WAITING);
		first_service = number(argv[6], 0, 60000) * MS;
	}
}

static int listen_on(unsigned int port)
{
	const struct sockaddr_in addr = {
		.sin_family	= AF_INET,
		.sin_port	= htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check(fd >= 0, "socket");
	check(!bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), "bind");
	check(!listen(fd, 4096), "listen");
	return fd;
}

static void open_many_files(void)
{
	const struct rlimit most = { WAITING, WAITING };

	check(!setrlimit(RLIMIT_NOFILE, &most), "setrlimit");
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		if (arrived - begun == WAITING)
			errx(1, "%s: too many wait", name);
		waiting[arrived++ % WAITING] = fd;
	}
	check(errno == EAGAIN || errno == ECONNABORTED, "accept");
}

static void answer(struct worker *worker)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s\n", name);

	/* The client may be gone. */
	if (send(worker->client, line, len, MSG_NOSIGNAL) < 0)
		check(errno == EPIPE || errno == ECONNRESET, "send");
	close(worker->client);
	worker->client = -1;
}

/* Milliseconds until somebody is due, -1 if nobody is. */
static int work(void)
{
	uint64_t now = machine_now(), next = UINT64_MAX;
	struct worker *worker;

	for (worker = workers; worker < workers + worker_count; worker++) {
		if (worker->client >= 0 && worker->until <= now)
			answer(worker);
		if (worker->client < 0 && begun < arrived) {
			worker->until = now +
				(begun < first ? first_service : service);
			worker->client = waiting[begun++ % WAITING];
		}
		if (worker->client >= 0 && worker->until < next)
			next = worker->until;
	}
	return next == UINT64_MAX ? -1 : (int)((next - now + MS - 1) / MS);
}

int main(int argc, char **argv)
{
	struct pollfd listener = { .events = POLLIN };
	unsigned int i;

	parse(argc, argv);
	open_many_files();
	for (i = 0; i < worker_count; i++)
		workers[i].client = -1;
	listener.fd = listen_on(number(argv[2], 0, 65535));
	check(!daemon(1, 1), "daemon");
	for (;;) {
		check(poll(&listener, 1, work()) >= 0, "poll");
		accept_all(listener.fd);
	}
}
