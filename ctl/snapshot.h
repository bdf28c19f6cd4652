/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has at a moment: pools, rules and their backends. */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

#include <linux/leastconn.h>

#include "backend.h"
#include "settings.h"

struct change;
struct nl;

/**
 * struct backends - an array of them
 * @at: the array
 * @count: how many
 * @room: how many it could hold
 */
struct backends {
	struct backend	*at;
	size_t		count;
	size_t		room;
};

/**
 * struct group - a pool, or rules with --to that are alike
 * @pool: its name; empty for rules
 * @rule: number of the first of the rules
 * @rules: that use the pool, or that are alike
 * @settings: that it has
 * @backends: in the order the kernel has them
 */
struct group {
	char		pool[LEASTCONN_NAME_SIZE];
	uint32_t	rule;
	uint32_t	rules;
	struct settings	settings;
	struct backends	backends;
};

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

/* Return: false for rules. */
bool group_is_pool(const struct group *group);

/* Of those of its backends that have a port; 0: none has. */
uint32_t group_proto(const struct group *group);

/* The settings that it has if it is given none. */
void group_normal(const struct group *group, struct settings *settings);

/* Every backend that the kernel knows and that matches; all if @match is NULL. */
void backends_take(struct backends *backends, struct nl *nl,
		   const struct change *match);
void backends_free(struct backends *backends);

#endif /* CTL_SNAPSHOT_H */
