/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world: a balancer in a namespace of its own, "lb-NAME", between two devices
 * of the namespace "hosts": c-NAME, where clients are, and s-NAME, where
 * servers are. Made by bench/worlds.sh.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct entries;

/* Who keeps the connections, and so says how many there are. */
enum keeper {
	CONNTRACK,
	LEASTCONN,	/* conntrack, and our own counts beside it */
	IPVS,
};

struct world {
	char		name[32];
	enum keeper	keeper;
	bool		spreads;	/* over all backends */
	unsigned int	backends;
	int		clients, servers;	/* packet sockets */
	int		devices, count;		/* files of its /proc */
	int		counts, stats, table;	/* ours; IPVS' */
	struct entries	*entries;		/* conntrack's */
	uint32_t	old, next;		/* flows that have begun */
	uint32_t	said;			/* bytes, by both ends of each */
};

/* What a world says of itself. */
struct census {
	uint64_t	to_servers, to_clients;	/* packets that left */
	uint64_t	entries;		/* of conntrack */
	uint64_t	scheduled;		/* by IPVS, ever */
};

/* Our own table. */
struct counts {
	unsigned int	backends;
	uint64_t	active, inactive;
	uint64_t	least, most;		/* active ones of one backend */
};

/* The balancer's addresses on the wire. */
extern const uint8_t client_side[6], server_side[6];

/* SPEC: NAME:KEEPER:BACKENDS */
void world_open(struct world *world, const char *spec);
void world_census(const struct world *world, struct census *census);
void world_counts(const struct world *world, struct counts *counts);

/* Whom each of these flows was given to. */
void world_servers(const struct world *world, uint8_t proto,
		   const struct end *to, uint32_t first,
		   unsigned int count, struct end *servers);

#endif
