/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_WALK_H
#define LC_WALK_H

#include <linux/types.h>

struct hlist_nulls_head;
struct nf_conn;

/** LC_WALK_ENTRIES - most entries that one slice of a walk short_pools, and a chain more */
#define LC_WALK_ENTRIES	128U

/** LC_WALK_NOW - slices for a table of 100,000 entries, each in it twice */
#define LC_WALK_NOW	(262144U / LC_WALK_ENTRIES)

/**
 * struct lc_walk - a walk through conntrack's table, slice by slice
 * @table: the table as it was at the last slice; only to be compared with
 * @size: its buckets
 * @next: the bucket to go on with
 * @visited: entries so far; empty buckets count for as much as they cost
 */
struct lc_walk {
	const struct hlist_nulls_head	*table;
	unsigned int			size;
	unsigned int			next;
	unsigned int			visited;
};

bool lc_walk_slice(struct lc_walk *walk,
		   bool (*visit)(struct nf_conn *ct, void *data), void *data);
bool lc_walk_table(unsigned int slices,
		   bool (*visit)(struct nf_conn *ct, void *data), void *data);

#endif /* LC_WALK_H */
