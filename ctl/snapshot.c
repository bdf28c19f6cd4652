// SPDX-License-Identifier: GPL-2.0-only
/* The pools, rules and backends of the kernel at one moment. */
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>

#include "array.h"
#include "attr.h"
#include "change.h"
#include "dump.h"
#include "snapshot.h"

void snapshot_free(struct snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < snapshot->count; i++)
		backends_free(&snapshot->groups[i].backends);
	free(snapshot->groups);
	backends_free(&snapshot->unused);
	memset(snapshot, 0, sizeof(*snapshot));
}

/*
 * The group of a message. The messages of a group follow each other: it is the last
 * group, or a new one.
 */
static struct group *find_group(struct snapshot *snapshot,
				const struct attrs *attrs)
{
	const char *pool = attrs_pool(attrs);
	uint32_t rule = attrs_u32(attrs, LEASTCONN_A_RULE);
	struct group *group = NULL;

	if (snapshot->count)
		group = &snapshot->groups[snapshot->count - 1];
	if (group && strcmp(group->pool, pool ? pool : "") == 0 &&
	    group->rule == rule)
		return group;

	snapshot->groups = array_grow(snapshot->groups, &snapshot->room,
				      snapshot->count, sizeof(*snapshot->groups));
	group = &snapshot->groups[snapshot->count++];
	memset(group, 0, sizeof(*group));
	if (pool)
		strcpy(group->pool, pool);
	group->rule = rule;
	group->rules = !pool;
	settings_init_pool(&group->settings);
	return group;
}

static void read_group_message(const struct nlmsghdr *nlh, void *data)
{
	struct backend backend;
	struct attrs attrs;
	struct group *group;

	attrs_read(nlh, &attrs);
	if (!attrs_have(&attrs, LEASTCONN_A_POOL) &&
	    !attrs_have(&attrs, LEASTCONN_A_RULE))
		return;
	group = find_group(data, &attrs);
	if (attrs_backend(&attrs, &backend)) {
		backends_add(&group->backends, &backend);
		return;
	}
	attrs_settings(&attrs, &group->settings);
	if (group_is_pool(group))
		group->rules = attrs_u32(&attrs, LEASTCONN_A_RULES);
}

static void read_backend_message(const struct nlmsghdr *nlh, void *data)
{
	struct backend backend;
	struct attrs attrs;

	attrs_read(nlh, &attrs);
	if (attrs_backend(&attrs, &backend))
		backends_add(data, &backend);
}

static void reset_snapshot(void *data)
{
	snapshot_free(data);
}

static void reset_backends(void *data)
{
	backends_free(data);
}

static void take_groups(struct snapshot *snapshot, struct nl *nl,
			const char *pool)
{
	const struct change filter = { .given = GIVEN_POOL, .pool = pool };
	const struct dump dump = {
		.cmd	= LEASTCONN_CMD_GET_POOLS,
		.filter	= pool ? &filter : NULL,
		.reader	= read_group_message,
		.reset	= reset_snapshot,
		.data	= snapshot,
	};

	dump_run(&dump, nl, pool);
}

void backends_take(struct backends *backends, struct nl *nl,
		   const struct change *match)
{
	const struct dump dump = {
		.cmd	= LEASTCONN_CMD_GET_BACKENDS,
		.filter	= match,
		.reader	= read_backend_message,
		.reset	= reset_backends,
		.data	= backends,
	};

	dump_run(&dump, nl, NULL);
}

/* iptables may load a rule several times: count equal rules as one group. */
static void merge_rules(struct snapshot *snapshot)
{
	struct group *groups = snapshot->groups;
	size_t i, j, kept = 0;

	for (i = 0; i < snapshot->count; i++) {
		j = group_is_pool(&groups[i]) ? kept : 0;
		for (; j < kept; j++) {
			if (!group_is_pool(&groups[j]) &&
			    group_equal(&groups[i], &groups[j]))
				break;
		}
		if (j < kept) {
			groups[j].rules++;
			backends_free(&groups[i].backends);
		} else {
			groups[kept++] = groups[i];
		}
	}
	snapshot->count = kept;
}

static void drop_rules(struct snapshot *snapshot)
{
	size_t i, kept = 0;

	for (i = 0; i < snapshot->count; i++) {
		if (group_is_pool(&snapshot->groups[i]))
			snapshot->groups[kept++] = snapshot->groups[i];
		else
			backends_free(&snapshot->groups[i].backends);
	}
	snapshot->count = kept;
}

/* Remove the backends that are in a group from @unused. */
static void remove_used(struct snapshot *snapshot)
{
	struct backends used = { 0 }, *all = &snapshot->unused;
	size_t i, j, kept = 0;

	for (i = 0; i < snapshot->count; i++) {
		for (j = 0; j < snapshot->groups[i].backends.count; j++)
			backends_add(&used, &snapshot->groups[i].backends.at[j]);
	}
	if (used.count)
		qsort(used.at, used.count, sizeof(*used.at), backend_compare);
	for (i = 0; i < all->count; i++) {
		if (!used.count ||
		    !bsearch(&all->at[i], used.at, used.count, sizeof(*used.at),
			     backend_compare))
			all->at[kept++] = all->at[i];
	}
	all->count = kept;
	backends_free(&used);
}

static void take_snapshot(struct snapshot *snapshot, struct nl *nl, const char *pool,
			  bool rules)
{
	struct backends all = { 0 };

	memset(snapshot, 0, sizeof(*snapshot));
	/*
	 * Read all backends before the groups: a backend that is removed from its
	 * pool in between is still listed.
	 */
	if (!pool)
		backends_take(&all, nl, NULL);
	take_groups(snapshot, nl, pool);
	snapshot->unused = all;
	if (rules)
		merge_rules(snapshot);
	else
		drop_rules(snapshot);
	remove_used(snapshot);
}

void snapshot_take(struct snapshot *snapshot, struct nl *nl, const char *pool)
{
	take_snapshot(snapshot, nl, pool, true);
}

void snapshot_take_pools(struct snapshot *snapshot, struct nl *nl)
{
	take_snapshot(snapshot, nl, NULL, false);
}
