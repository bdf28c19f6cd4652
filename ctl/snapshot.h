/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has at a moment: pools, rules and their backends. */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

#include <stddef.h>

#include "group.h"

struct change;
struct nl;

/**
 * struct snapshot - pools first, then rules
 * @groups: the array
 * @count: how many
 * @room: how many it could hold
 * @unused: backends that the kernel knows and that are in no group: those that
 *	have a state, or connections, still
 */
struct snapshot {
	struct group	*groups;
	size_t		count;
	size_t		room;
	struct backends	unused;
};

/* Pools and rules, and what is unused. @pool: that one alone; NULL: all. */
void snapshot_take(struct snapshot *snapshot, struct nl *nl, const char *pool);

/* The pools alone: what only rules have counts as unused. */
void snapshot_take_pools(struct snapshot *snapshot, struct nl *nl);
void snapshot_free(struct snapshot *snapshot);

/* Every backend that the kernel knows and that matches; all if @match is NULL. */
void backends_take(struct backends *backends, struct nl *nl,
		   const struct change *match);

#endif /* CTL_SNAPSHOT_H */
