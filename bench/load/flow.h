/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows: who talks to whom, and what they say at which point. */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <stdint.h>

#include "frame.h"

/* Flows from here on are new ones; those below are the live ones, the fill. */
#define FLOW_NEW	(1U << 28)

/* Bytes of data in a packet that has some. */
#define FLOW_DATA	18

/* What is balanced, and what goes through the balancer besides. */
extern const struct end service, other;

/* Each flow has an address of its own, and so a port. */
struct end flow_client(uint32_t flow);

#endif
