/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_WALK_H
#define LC_WALK_H

#include <linux/types.h>

struct hlist_nulls_head;
struct nf_conn;

/** LC_WALK_ENTRIES - entries that a slice visits, and the rest of the last chain */
#define LC_WALK_ENTRIES	128U

/** LC_WALK_NOW - slices for a table of 100,000 entries, each of which is in it twice */
#define LC_WALK_NOW	(262144U / LC_WALK_ENTRIES)

/**
 * struct lc_walk - the position of a walk through conntrack's table
 * @table: the table at the last slice; only compared
 * @size: how many buckets it has
 * @next: the next bucket to visit
 * @visited: entries visited; what @visit says, and empty buckets, count as what they cost
 * @doomed: the entry that ends this slice: it is to be deleted
 */
struct lc_walk {
	const struct hlist_nulls_head	*table;
	unsigned int			size;
	unsigned int			next;
	unsigned int			visited;
	struct nf_conn			*doomed;
};

bool lc_walk_slice(struct lc_walk *walk,
		   int (*visit)(struct nf_conn *ct, void *data), void *data);
bool lc_walk_table(unsigned int slices,
		   int (*visit)(struct nf_conn *ct, void *data), void *data);

#endif /* LC_WALK_H */
