// SPDX-License-Identifier: GPL-2.0-only
/* Files and sockets of a world stay with its namespaces, wherever we are. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entries.h"
#include "flow.h"
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

static void parse(struct world *world, const char *spec)
{
	static const struct {
		const char	*name;
		enum keeper	keeper;
		bool		spreads;
	} keepers[] = {
		{ "conntrack", CONNTRACK, true },
		{ "leastconn", LEASTCONN, true },
		{ "ipvs", IPVS, true },
		/* Its sed counts what is established, nothing else. */
		{ "ipvs-sed", IPVS, false },
	};
	char keeper[16];
	unsigned int i;

	if (sscanf(spec, "%11[^:]:%15[^:]:%u", world->name, keeper,
		   &world->backends) != 3)
		errx(1, "'%s' is not NAME:KEEPER:BACKENDS", spec);
	for (i = 0; i < sizeof(keepers) / sizeof(keepers[0]); i++)
		if (!strcmp(keepers[i].name, keeper)) {
			world->keeper = keepers[i].keeper;
			world->spreads = keepers[i].spreads;
			return;
		}
	errx(1, "nobody called '%s' keeps connections", keeper);
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
	world->count = open_proc("/proc/sys/net/netfilter/nf_conntrack_count");
	if (world->keeper == LEASTCONN)
		world->counts = open_proc("/proc/thread-self/net/leastconn");
	if (world->keeper == IPVS) {
		world->stats = open_proc("/proc/thread-self/net/ip_vs_stats_percpu");
		world->table = open_proc("/proc/thread-self/net/ip_vs_conn");
	}
	world->entries = entries_open();
}

/* A file of some kilobytes, from its beginning. */
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
		errx(1, "no device %s", device);
	return packets;
}

/*
 * Of each processor's line the second number; the sum is 2 seconds late, and
 * rates come behind it.
 */
static uint64_t ipvs_connections(char *stats)
{
	uint64_t all = 0, connections;
	unsigned int lines = 0;
	char *line;

	for (line = strtok(stats, "\n"); line && !strchr(line, '~');
	     line = strtok(NULL, "\n"))
		if (sscanf(line, " %*x %" SCNx64, &connections) == 1) {
			all += connections;
			lines++;
		}
	if (!lines)
		errx(1, "cannot read IPVS' statistics");
	return all;
}

void world_census(const struct world *world, struct census *census)
{
	const char *devices = text(world->devices);

	census->to_servers = packets_sent(devices, "server:");
	census->to_clients = packets_sent(devices, "client:");
	census->entries = strtoull(text(world->count), NULL, 10);
	census->scheduled = 0;
	if (world->keeper == IPVS)
		census->scheduled = ipvs_connections(text(world->stats));
}

void world_counts(const struct world *world, struct counts *counts)
{
	char *line = strtok(text(world->counts), "\n");
	uint64_t active, inactive;

	*counts = (struct counts) { .least = UINT64_MAX };
	while ((line = strtok(NULL, "\n"))) {
		if (sscanf(line, "%*s %*s %*s %*s %" SCNu64 " %" SCNu64,
			   &active, &inactive) != 2)
			errx(1, "cannot read /proc/net/leastconn: %s", line);
		counts->backends++;
		counts->active += active;
		counts->inactive += inactive;
		if (active < counts->least)
			counts->least = active;
		if (active > counts->most)
			counts->most = active;
	}
}

/* IPVS' table is only to be had as a whole, addresses and ports in hex. */
static unsigned int find_in_ipvs(int table, const struct end *to,
				 uint32_t first, unsigned int count,
				 struct end *servers)
{
	unsigned int at, server, port, service_addr, found = 0;
	struct end client, wanted;
	char line[256];
	FILE *file = fdopen(dup(table), "r");

	check(file, "ip_vs_conn");
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %x %hx %x %*x %x %x", &client.addr,
			   &client.port, &service_addr, &server, &port) != 5)
			continue;
		at = (client.addr - flow_client(first).addr) & 0xfffff;
		wanted = flow_client(first + at);
		if (at >= count || service_addr != to->addr ||
		    wanted.port != client.port)
			continue;
		servers[at] = (struct end) { server, port };
		found++;
	}
	fclose(file);
	return found;
}

static unsigned int find_entries(struct entries *entries, uint8_t proto,
				 const struct end *to, uint32_t first,
				 unsigned int count, struct end *servers)
{
	unsigned int i, found = 0;

	for (i = 0; i < count; i++) {
		struct end client = flow_client(first + i);

		found += entries_server(entries, proto, &client, to,
					&servers[i]);
	}
	return found;
}

void world_servers(const struct world *world, uint8_t proto,
		   const struct end *to, uint32_t first, unsigned int count,
		   struct end *servers)
{
	unsigned int found;

	if (world->keeper == IPVS && to == &service)
		found = find_in_ipvs(world->table, to, first, count, servers);
	else
		found = find_entries(world->entries, proto, to, first, count,
				     servers);
	if (found != count)
		errx(1, "%s: %u of %u connections are found", world->name, found,
		     count);
}
