// SPDX-License-Identifier: GPL-2.0-only
/* Flows of UDP, within this host. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../genl/talk.h"
#include "flows.h"

void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		die("lo: %m");
	close(fd);
}

static struct sockaddr_in at_home(uint16_t port)
{
	return (struct sockaddr_in) {
		.sin_family		= AF_INET,
		.sin_port		= htons(port),
		.sin_addr.s_addr	= htonl(INADDR_LOOPBACK),
	};
}

int udp_server(uint16_t port)
{
	struct sockaddr_in addr = at_home(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)))
		die("port %u: %m", port);
	return fd;
}

void udp_flows(int server, uint16_t port, int count, int answered)
{
	struct sockaddr_in addr = at_home(port), from;
	socklen_t size;
	char byte = 0;

	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		size = sizeof(from);
		if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)) ||
		    send(fd, &byte, 1, 0) != 1 ||
		    recvfrom(server, &byte, 1, 0, (void *)&from, &size) != 1 ||
		    (i < answered &&
		     (sendto(server, &byte, 1, 0, (void *)&from, size) != 1 ||
		      recv(fd, &byte, 1, 0) != 1)))
			die("a flow: %m");
		/* It stays open: its port is its own. */
	}
}

void refused_flows(uint16_t port, int count)
{
	struct sockaddr_in addr = at_home(port);
	char byte = 0;

	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)) ||
		    send(fd, &byte, 1, 0) != 1 ||
		    recv(fd, &byte, 1, 0) >= 0 || errno != ECONNREFUSED)
			die("a flow to a closed port: %m");
		close(fd);
	}
}
