// SPDX-License-Identifier: GPL-2.0-only
/* Processors, time and sockets. Whatever cannot go on ends the program. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"

/* ---- processors and time ---- */

void pause_ms(unsigned int ms)
{
	const struct timespec time = { .tv_sec = ms / 1000,
				       .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

unsigned int processors(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

void run_on(unsigned int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("processor %u: %m", processor);
}

void run_anywhere(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int i = 0; i < processors(); i++)
		CPU_SET(i, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("processors: %m");
}

/* ---- lo ---- */

/* struct in6_ifreq, whose header does not go with the others. */
struct address6 {
	struct in6_addr	addr;
	uint32_t	prefix;
	int		index;
};

static void add_address6(const char *text)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct address6 address = { .prefix = 128, .index = 1 };

	if (fd < 0 || inet_pton(AF_INET6, text, &address.addr) != 1 ||
	    ioctl(fd, SIOCSIFADDR, &address))
		die("address %s: %m", text);
	close(fd);
}

/* An address is tentative at first, on lo too. */
static void wait_for_address6(const char *text)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket: %m");
	inet_pton(AF_INET6, text, &name.sin6_addr);
	while (bind(fd, (void *)&name, sizeof(name)))
		usleep(2000);
	close(fd);
}

void lo_up(bool ipv6_too)
{
	static const char *const ours[] = { "fd00::100", "fd00::11",
					    "fd00::12", "fd00::13",
					    "fd00::14" };
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("lo: %m");
	close(fd);
	if (!ipv6_too)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		add_address6(ours[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		wait_for_address6(ours[i]);
}

/* ---- sockets ---- */

static socklen_t make_name(struct sockaddr_storage *name, const char *addr,
			   unsigned int port)
{
	struct sockaddr_in6 *in6 = (void *)name;
	struct sockaddr_in *in = (void *)name;

	memset(name, 0, sizeof(*name));
	if (strchr(addr, ':')) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, addr, &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	inet_pton(AF_INET, addr, &in->sin_addr);
	return sizeof(*in);
}

static int connected(const char *addr, unsigned int port, int type)
{
	struct sockaddr_storage name;
	socklen_t len = make_name(&name, addr, port);
	int fd = socket(name.ss_family, type | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket: %m");
	/* What becomes of it, others say. */
	(void)!connect(fd, (void *)&name, len);
	return fd;
}

int tcp_open(const char *addr, unsigned int port)
{
	return connected(addr, port, SOCK_STREAM);
}

void send_udp(const char *addr, unsigned int port)
{
	int fd = connected(addr, port, SOCK_DGRAM);

	(void)!write(fd, "x", 1);
	close(fd);
}

void send_echo(void)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.id = htons(1),
				.checksum = htons(0xf7fe) };
	struct sockaddr_storage name;
	socklen_t len = make_name(&name, "127.0.0.1", 0);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0 ||
	    sendto(fd, &echo, sizeof(echo), 0, (void *)&name, len) < 0)
		die("echo: %m");
	close(fd);
}

int tcp_listen(unsigned int port)
{
	struct sockaddr_storage name;
	socklen_t len = make_name(&name, ipv6 ? "::" : "0.0.0.0", port);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (void *)&name, len) || listen(fd, 64))
		die("port %u: %m", port);
	return fd;
}

/* No packet says so. */
void close_silently(int fd)
{
	const int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)))
		die("repair: %m");
	close(fd);
}
