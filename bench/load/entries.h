/* SPDX-License-Identifier: GPL-2.0-only */
/* Conntrack's entries of a namespace, over netlink. */
#ifndef BENCH_ENTRIES_H
#define BENCH_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct entries;

/* Of the namespace that we are in. */
struct entries *entries_open(void);

/* Whom does the entry of this client and service translate to? */
bool entries_server(struct entries *entries, uint8_t proto,
		    const struct end *client, const struct end *service,
		    struct end *server);

/* False: there is none. */
bool entries_delete(struct entries *entries, uint8_t proto,
		    const struct end *client, const struct end *service);

void entries_flush(struct entries *entries);

#endif
