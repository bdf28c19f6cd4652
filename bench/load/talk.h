/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows speak: one packet of each of them, and the time that took. */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include <stdint.h>

#include "world.h"

/* Sequence numbers are relative: bytes that were said, SYN and FIN included. */
struct words {
	uint8_t		flags;
	uint8_t		data;
	uint32_t	seq, ack;
};

void talk_init(unsigned int flows);

/* Nanoseconds of @count flows' packets, one each. */
uint64_t talk_clients(const struct world *world, uint32_t first,
		      unsigned int count, const struct words *words);

/* The same from the servers in job.servers. */
uint64_t talk_servers(const struct world *world, uint32_t first,
		      unsigned int count, const struct words *words);

/* First packets, of flows that are new. */
uint64_t talk_begin(struct world *world, uint32_t first, unsigned int count);

/* Begin so many flows as are always there; those that are there stay. */
void talk_fill(struct world *world);

#endif
