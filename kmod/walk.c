// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks through conntrack's table, which all namespaces of the host share.
 *
 * nf_ct_iterate_cleanup_net() holds a mutex of the host for the whole table, so that
 * namespaces wait for each other. It may also sleep. A walk here takes only the lock of
 * one bucket at a time, and only if the bucket is not empty. Between two slices it holds
 * no lock. An entry that is added during a walk may or may not be visited. If the table
 * is resized during a walk, the walk starts again.
 */
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "ct.h"
#include "walk.h"

/* Empty buckets that a slice looks at, at most. */
#define LC_WALK_BUCKETS	8192U
/* So many empty buckets cost as much as an entry. */
#define LC_WALK_EMPTY	64U

/* While one of conntrack's bucket locks is held, its table stays in place. */
static void walk_check_table(struct lc_walk *walk)
{
	spinlock_t *lock = &nf_conntrack_locks[0];

	lc_ct_bucket_lock(lock);
	if (walk->table != nf_conntrack_hash ||
	    walk->size != nf_conntrack_htable_size) {
		walk->table = nf_conntrack_hash;
		walk->size = nf_conntrack_htable_size;
		walk->next = 0;
	}
	spin_unlock(lock);
}

/*
 * Visit entries in the direction of the reply only: an entry is in the table once for
 * each direction, and an entry that lost a clash only for the reply.
 *
 * Return: the first entry to be deleted, with a reference, or NULL.
 */
static struct nf_conn *walk_visit_bucket(struct lc_walk *walk,
					 struct hlist_nulls_head *bucket,
					 int (*visit)(struct nf_conn *ct,
						      void *data),
					 void *data)
{
	struct nf_conntrack_tuple_hash *hash;
	struct hlist_nulls_node *node;
	struct nf_conn *ct;
	int cost;

	hlist_nulls_for_each_entry(hash, node, bucket, hnnode) {
		walk->visited++;
		if (NF_CT_DIRECTION(hash) != IP_CT_DIR_REPLY)
			continue;
		ct = nf_ct_tuplehash_to_ctrack(hash);
		if (nf_ct_is_dying(ct))
			continue;
		cost = visit(ct, data);
		if (cost >= 0) {
			walk->visited += cost;
			continue;
		}
		nf_conntrack_get(&ct->ct_general);
		return ct;
	}
	return NULL;
}

/* Return: false if the table has been resized, or an entry is to be deleted. */
static bool walk_visit_next(struct lc_walk *walk,
			    int (*visit)(struct nf_conn *ct, void *data),
			    void *data)
{
	unsigned int next = walk->next;
	spinlock_t *lock = &nf_conntrack_locks[next % CONNTRACK_LOCKS];
	bool resized;

	lc_ct_bucket_lock(lock);
	resized = walk->table != nf_conntrack_hash;
	if (!resized)
		walk->doomed = walk_visit_bucket(walk, &nf_conntrack_hash[next],
						 visit, data);
	spin_unlock(lock);
	/* The bucket may have more entries: visit it again after this one is deleted. */
	if (resized || walk->doomed)
		return false;
	walk->next++;
	return true;
}

/* Conntrack reports this to its listeners: it may take long. */
static void walk_delete_doomed(struct lc_walk *walk)
{
	if (!walk->doomed)
		return;
	nf_ct_delete(walk->doomed, 0, 0);
	nf_ct_put(walk->doomed);
	walk->doomed = NULL;
}

/**
 * lc_walk_slice() - visit the next entries of conntrack's table
 * @walk: zeroed memory, or as after the last slice
 * @visit: called for each entry, under the lock of its bucket and rcu_read_lock(), bottom
 *	halves off; returns what that cost, in visits beyond the one, or a negative
 *	number if the entry is to be deleted
 * @data: passed to @visit
 *
 * The entries of all namespaces are visited. A slice is about %LC_WALK_ENTRIES entries,
 * and takes some ten microseconds. It ends at an entry that is to be deleted.
 *
 * Context: process.
 * Return: true if there may be more entries.
 */
bool lc_walk_slice(struct lc_walk *walk,
		   int (*visit)(struct nf_conn *ct, void *data), void *data)
{
	unsigned int end = walk->visited + LC_WALK_ENTRIES;
	unsigned int buckets = LC_WALK_BUCKETS;
	bool more;

	/* RCU keeps the memory of @walk->table until the slice ends. */
	rcu_read_lock();
	local_bh_disable();
	walk_check_table(walk);
	while ((int)(end - walk->visited) > 0 && buckets && walk->next < walk->size) {
		if (hlist_nulls_empty(&walk->table[walk->next])) {
			walk->next++;
			buckets--;
		} else if (!walk_visit_next(walk, visit, data)) {
			break;
		}
	}
	walk->visited += (LC_WALK_BUCKETS - buckets) / LC_WALK_EMPTY;
	more = walk->next < walk->size;
	local_bh_enable();
	rcu_read_unlock();
	walk_delete_doomed(walk);
	return more;
}

/**
 * lc_walk_table() - visit all entries of conntrack's table
 * @slices: how many slices to walk at most; what costs as much counts
 * @visit: as for lc_walk_slice()
 * @data: passed to @visit
 *
 * Context: process, may sleep.
 * Return: false if entries have not been visited: there are more than @slices allow, or a
 *	fatal signal is pending.
 */
bool lc_walk_table(unsigned int slices,
		   int (*visit)(struct nf_conn *ct, void *data), void *data)
{
	struct lc_walk walk = {};

	while (lc_walk_slice(&walk, visit, data)) {
		if (walk.visited / LC_WALK_ENTRIES >= slices ||
		    fatal_signal_pending(current))
			return false;
		cond_resched();
	}
	return true;
}
