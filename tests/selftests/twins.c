// SPDX-License-Identifier: GPL-2.0-only
/*
 * twins: flows whose first two packets are sent at the same instant.
 *
 *	twins ADDR PORT COUNT [FIRST]	COUNT UDP flows to ADDR PORT, from ports
 *					FIRST (20000) on, each begun by two
 *					processors at once
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct sockaddr_in to;
static unsigned int first = 20000, count;
static atomic_uint ready[2];

/* Both share every port; a connected socket takes only its own answers. */
static int flow(unsigned int i)
{
	struct sockaddr_in from = {
		.sin_family	= AF_INET,
		.sin_port	= htons(first + i),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    bind(fd, (void *)&from, sizeof(from)) ||
	    connect(fd, (void *)&to, sizeof(to))) {
		perror("twins");
		exit(1);
	}
	return fd;
}

static void *twin(void *arg)
{
	unsigned int me = *(unsigned int *)arg;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(me, &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	for (unsigned int i = 0; i < count; i++) {
		int fd = flow(i);

		atomic_store(&ready[me], i + 1);
		while (atomic_load(&ready[!me]) < i + 1)
			sched_yield();
		if (send(fd, "twin", 4, 0) < 0)
			perror("twins: send");
		/* It stays open: an answer finds its port. */
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int me[2] = { 0, 1 };
	pthread_t other;

	to.sin_family = AF_INET;
	if (argc < 4 || argc > 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: twins ADDR PORT COUNT [FIRST]\n");
		return 2;
	}
	to.sin_port = htons(atoi(argv[2]));
	count = atoi(argv[3]);
	if (argc > 4)
		first = atoi(argv[4]);
	if (pthread_create(&other, NULL, twin, &me[1]))
		return 1;
	twin(&me[0]);
	pthread_join(other, NULL);
	return 0;
}
