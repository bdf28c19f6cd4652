// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth: lets the Nth allocation fail that the kernel makes for a program.
 *
 *	FAIL_NTH=N FAIL_NTH_OUT=FILE LD_PRELOAD=failnth.so COMMAND...
 *
 * Armed are only the calls that change something: a rule set by either front
 * door (setsockopt, sendmsg), a new network namespace (unshare), a module
 * (finit_module), and what is asked of generic netlink (sendto). Allocations count that /sys/kernel/debug/failslab lets fail.
 * FILE gets a line for each armed call: "failed" when the allocation was made,
 * else "spared".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netlink.h>

static void write_line(const char *path, int flags, const char *line)
{
	int fd = open(path, O_WRONLY | flags, 0600);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		abort();
	close(fd);
}

static const char nth_path[] = "/proc/thread-self/fail-nth";

static void arm(void)
{
	const char *nth = getenv("FAIL_NTH");

	if (nth)
		write_line(nth_path, 0, nth);
}

/* What is left of the count: nothing when the allocation came. */
static void disarm(void)
{
	const char *out = getenv("FAIL_NTH_OUT");
	int saved = errno, fd;
	char left = '0';

	if (!getenv("FAIL_NTH") || !out)
		return;
	fd = open(nth_path, O_RDONLY);
	if (fd < 0 || read(fd, &left, 1) != 1)
		abort();
	close(fd);
	write_line(nth_path, 0, "0");
	write_line(out, O_CREAT | O_APPEND,
		   left == '0' ? "failed\n" : "spared\n");
	errno = saved;
}

#define NEXT(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	bool armed = (level == IPPROTO_IP || level == IPPROTO_IPV6) &&
		     name == IPT_SO_SET_REPLACE;
	int ret;

	if (armed)
		arm();
	ret = NEXT(setsockopt)(fd, level, name, value, len);
	if (armed)
		disarm();
	return ret;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t ret;

	arm();
	ret = NEXT(sendmsg)(fd, msg, flags);
	disarm();
	return ret;
}

static bool is_generic_netlink(int fd)
{
	int protocol = -1, domain = -1;
	socklen_t len = sizeof(int), same = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &same) &&
	       domain == AF_NETLINK && protocol == NETLINK_GENERIC;
}

/* libmnl's way; nftables' questions go it too, and change nothing. */
ssize_t sendto(int fd, const void *buf, size_t size, int flags,
	       const struct sockaddr *addr, socklen_t len)
{
	bool armed = is_generic_netlink(fd);
	ssize_t ret;

	if (armed)
		arm();
	ret = NEXT(sendto)(fd, buf, size, flags, addr, len);
	if (armed)
		disarm();
	return ret;
}

int unshare(int flags)
{
	int ret;

	arm();
	ret = NEXT(unshare)(flags);
	disarm();
	return ret;
}

/* kmod has no other way to ask for it. */
long syscall(long number, ...)
{
	long args[6], ret;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_finit_module)
		arm();
	ret = NEXT(syscall)(number, args[0], args[1], args[2], args[3],
			    args[4], args[5]);
	if (number == SYS_finit_module)
		disarm();
	return ret;
}
