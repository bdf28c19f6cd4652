// SPDX-License-Identifier: GPL-2.0-only
/*
 * client ADDR PORT RATE SECONDS LIMIT-MS: begins RATE connections each second at
 * planned times, however long others take, and reads what each is answered. A
 * line for each, at the end, separated by tabs: when it was planned, how much
 * later it began, how long after the plan it ended, all in milliseconds; what
 * became of it, "answered", "timeout", "silent" (closed without a word) or the
 * error's name; and the answer.
 *
 * Each has a port of its own, the first being FIRST_PORT, so that one who sees
 * their packets can tell them apart.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../load/machine.h"
#include "../load/number.h"
#include "../load/say.h"

#define MS		((uint64_t)1000000)
#define FIRST_PORT	2000U
#define MOST		(65536U - FIRST_PORT)

static struct request {
	uint64_t	planned, begun, ended;	/* 0: not yet */
	const char	*outcome;
	char		answer[32];
	unsigned int	length;
	int		fd;
} requests[MOST];

static struct sockaddr_in service;
static unsigned int count, next, oldest, done;
static uint64_t limit;
static int epoll;

static void parse(int argc, char **argv)
{
	unsigned int rate, i;
	uint64_t start;

	if (argc != 6)
		errx(1, "usage: client ADDR PORT RATE SECONDS LIMIT-MS");
	service.sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[1], &service.sin_addr) != 1)
		errx(1, "'%s' is no address", argv[1]);
	service.sin_port = htons(number(argv[2], 1, 65535));
	rate = number(argv[3], 1, MOST);
	count = rate * number(argv[4], 1, MOST / rate);
	limit = number(argv[5], 1, 600000) * MS;
	start = machine_now();
	for (i = 0; i < count; i++)
		requests[i].planned = start + i * 1000 * MS / rate;
}

static void finish(struct request *request, const char *outcome)
{
	request->ended = machine_now();
	request->outcome = outcome;
	close(request->fd);
	done++;
}

static void finish_failed(struct request *request)
{
	const char *error = strerrorname_np(errno);

	finish(request, error ? error : "error");
}

static void begin(unsigned int index)
{
	const struct sockaddr_in own = {
		.sin_family	= AF_INET,
		.sin_port	= htons(FIRST_PORT + index),
	};
	struct request *request = &requests[index];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = index };

	request->begun = machine_now();
	request->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	check(request->fd >= 0, "socket");
	check(!bind(request->fd, (const struct sockaddr *)&own, sizeof(own)),
	      "bind to port %u", FIRST_PORT + index);
	if (connect(request->fd, (const struct sockaddr *)&service,
		    sizeof(service)) && errno != EINPROGRESS) {
		finish_failed(request);
		return;
	}
	check(!epoll_ctl(epoll, EPOLL_CTL_ADD, request->fd, &event), "epoll");
}

static void hear(struct request *request)
{
	ssize_t n = read(request->fd, request->answer + request->length,
			 sizeof(request->answer) - 1 - request->length);

	if (n > 0) {
		request->length += n;
		return;
	}
	if (!n)
		finish(request, request->length ? "answered" : "silent");
	else if (errno != EAGAIN)
		finish_failed(request);
}

/* What is due by the clock; milliseconds until there is more of it. */
static int be_on_time(void)
{
	uint64_t due = UINT64_MAX, now = machine_now();

	while (next < count && requests[next].planned <= now)
		begin(next++);
	/* Those that are planned first are the first to be too late. */
	for (; oldest < next; oldest++) {
		struct request *request = &requests[oldest];

		if (request->ended)
			continue;
		if (request->planned + limit > now)
			break;
		finish(request, "timeout");
	}
	if (next < count)
		due = requests[next].planned;
	if (oldest < next && requests[oldest].planned + limit < due)
		due = requests[oldest].planned + limit;
	now = machine_now();
	return done == count || due <= now ? 0 : (due - now + MS - 1) / MS;
}

static void print(const struct request *request)
{
	printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\t%.*s\n",
	       (request->planned - requests[0].planned) / MS,
	       (request->begun - request->planned) / MS,
	       (request->ended - request->planned) / MS, request->outcome,
	       (int)strcspn(request->answer, "\n"), request->answer);
}

int main(int argc, char **argv)
{
	const struct rlimit most = { MOST, MOST };
	struct epoll_event events[64];
	unsigned int i;
	int n;

	check(!setrlimit(RLIMIT_NOFILE, &most), "setrlimit");
	epoll = epoll_create1(0);
	check(epoll >= 0, "epoll");
	parse(argc, argv);
	while (done < count) {
		n = epoll_wait(epoll, events, 64, be_on_time());
		check(n >= 0, "epoll");
		while (n--)
			hear(&requests[events[n].data.u32]);
	}
	for (i = 0; i < count; i++)
		print(&requests[i]);
	return 0;
}
