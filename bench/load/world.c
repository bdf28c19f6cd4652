// SPDX-License-Identifier: GPL-2.0-only
/* Files and sockets of a world stay with its namespaces, wherever we are. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "entries.h"
#include "say.h"
#include "world.h"

const uint8_t client_side[6] = { 2, 0, 0, 0, 0, 1 };
const uint8_t server_side[6] = { 2, 0, 0, 0, 0, 2 };

static void enter(const char *prefix, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s%s", prefix, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0, "%s", path);
	check(!setns(fd, CLONE_NEWNET), "setns to %s", path);
	close(fd);
}

static int open_proc(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	check(fd >= 0, "%s", path);
	return fd;
}

/* Bound to no protocol: it only sends. */
static int packet_socket(const char *prefix, const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	char device[IFNAMSIZ];
	int fd;

	snprintf(device, sizeof(device), "%s%s", prefix, name);
	to.sll_ifindex = if_nametoindex(device);
	check(to.sll_ifindex, "%s", device);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	check(fd >= 0, "packet socket");
	check(!bind(fd, (struct sockaddr *)&to, sizeof(to)), "bind to %s",
	      device);
	return fd;
}

static enum keeper keeper_named(const char *name)
{
	if (!strcmp(name, "conntrack"))
		return CONNTRACK;
	if (!strcmp(name, "leastconn"))
		return LEASTCONN;
	if (!strcmp(name, "ipvs"))
		return IPVS;
	die("nobody called '%s' keeps connections", name);
}

static void parse(struct world *world, const char *spec)
{
	char keeper[16];

	if (sscanf(spec, "%11[^:]:%15[^:]:%u", world->name, keeper,
		   &world->backends) != 3)
		die("'%s' is not NAME:KEEPER:BACKENDS", spec);
	world->keeper = keeper_named(keeper);
}

void world_open(struct world *world, const char *spec)
{
	memset(world, 0, sizeof(*world));
	parse(world, spec);
	enter("hosts", "");
	world->clients = packet_socket("c-", world->name);
	world->servers = packet_socket("s-", world->name);
	enter("lb-", world->name);
	world->devices = open_proc("/proc/thread-self/net/dev");
	world->count = open_proc(world->keeper == IPVS ?
				 "/proc/thread-self/net/ip_vs_stats" :
				 "/proc/sys/net/netfilter/nf_conntrack_count");
	world->table = -1;
	if (world->keeper == LEASTCONN)
		world->table = open_proc("/proc/thread-self/net/leastconn");
	if (world->keeper == IPVS)
		world->table = open_proc("/proc/thread-self/net/ip_vs_conn");
	world->entries = entries_open();
}

/* A file of at most a few kilobytes, from its beginning. */
static char *text(int fd)
{
	static char buffer[1 << 18];
	size_t len = 0;
	ssize_t n;

	while ((n = pread(fd, buffer + len, sizeof(buffer) - 1 - len, len)) > 0)
		len += n;
	check(n == 0, "reading /proc");
	buffer[len] = '\0';
	return buffer;
}

static uint64_t packets_sent(const char *devices, const char *device)
{
	const char *line = strstr(devices, device);
	uint64_t packets;

	if (!line || sscanf(line + strlen(device),
			    "%*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			    &packets) != 1)
		die("no device %s", device);
	return packets;
}

/* Of /proc/net/ip_vs_stats' third line, the total of connections, in hex. */
static uint64_t ipvs_connections(const char *stats)
{
	const char *line = strchr(stats, '\n');
	uint64_t connections;

	line = line ? strchr(line + 1, '\n') : NULL;
	if (!line || sscanf(line, "%" SCNx64, &connections) != 1)
		die("cannot read IPVS' statistics");
	return connections;
}

void world_census(const struct world *world, struct census *census)
{
	const char *devices = text(world->devices);
	const char *count;

	census->to_servers = packets_sent(devices, "server:");
	census->to_clients = packets_sent(devices, "client:");
	count = text(world->count);
	census->connections = world->keeper == IPVS ? ipvs_connections(count) :
						      strtoull(count, NULL, 10);
}

void world_counts(const struct world *world, struct counts *counts)
{
	char *line = strtok(text(world->table), "\n");
	uint64_t active, inactive;

	*counts = (struct counts) { .least = UINT64_MAX };
	while ((line = strtok(NULL, "\n"))) {
		if (sscanf(line, "%*s %*s %*s %*s %" SCNu64 " %" SCNu64,
			   &active, &inactive) != 2)
			die("cannot read /proc/net/leastconn: %s", line);
		counts->backends++;
		counts->active += active;
		counts->inactive += inactive;
		if (active < counts->least)
			counts->least = active;
		if (active > counts->most)
			counts->most = active;
	}
}
