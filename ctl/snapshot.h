/* SPDX-License-Identifier: GPL-2.0-only */
/* The pools, rules and backends of the kernel at one moment. */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

#include <stddef.h>

#include "group.h"

struct change;
struct nl;

/**
 * struct snapshot - the pools, rules and backends of the kernel
 * @groups: array of groups, pools before rules
 * @count: groups in the array
 * @room: groups allocated
 * @unused: backends in no group, which still have connections or a state other
 *	than ready
 */
struct snapshot {
	struct group	*groups;
	size_t		count;
	size_t		room;
	struct backends	unused;
};

/* Read all pools, rules and backends; if @pool is not NULL, that pool only. */
void snapshot_take(struct snapshot *snapshot, struct nl *nl, const char *pool);

/* The same without rules: backends that only rules use are in @unused. */
void snapshot_take_pools(struct snapshot *snapshot, struct nl *nl);
void snapshot_free(struct snapshot *snapshot);

/* Read the backends that match; all if @match is NULL. */
void backends_take(struct backends *backends, struct nl *nl,
		   const struct change *match);

#endif /* CTL_SNAPSHOT_H */
