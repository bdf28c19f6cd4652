/* SPDX-License-Identifier: GPL-2.0-only */
/* A pool or a rule with --to: its settings and its backends. */
#ifndef CTL_GROUP_H
#define CTL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/leastconn.h>

#include "backend.h"
#include "settings.h"

/**
 * struct backends - an array of backends
 * @at: the array
 * @count: backends in it
 * @room: backends allocated
 */
struct backends {
	struct backend	*at;
	size_t		count;
	size_t		room;
};

void backends_add(struct backends *backends, const struct backend *backend);
void backends_free(struct backends *backends);

/**
 * struct group - a pool, or equal rules with --to
 * @pool: name of the pool; empty for rules
 * @rule: number of the first rule
 * @rules: rules that use the pool, or number of equal rules
 * @settings: its settings
 * @backends: in the kernel's order
 */
struct group {
	char		pool[LEASTCONN_NAME_SIZE];
	uint32_t	rule;
	uint32_t	rules;
	struct settings	settings;
	struct backends	backends;
};

/* Return: true if the kernel allows the name for a pool. */
bool pool_name_valid(const char *name);

/* Return: false for rules. */
bool group_is_pool(const struct group *group);

/* The settings that a new group of this kind has. */
void group_default_settings(const struct group *group,
			    struct settings *settings);

/* Return: true if two groups have the same settings and members. */
bool group_equal(const struct group *a, const struct group *b);

#define GROUP_TITLE_SIZE	512

/* The title above the backends that are in no group. */
#define UNUSED_TITLE		"In no pool and no rule"

/* The title above the group's backends. */
void group_format_title(const struct group *group, char *text, size_t size);

#endif /* CTL_GROUP_H */
