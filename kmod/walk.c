// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks through conntrack's table, which all namespaces of the host share.
 *
 * nf_ct_iterate_cleanup_net() takes a mutex of the host's for the whole table, so
 * that namespaces wait for each other, and sleeps where it likes. A walk of ours
 * takes the lock of a bucket only, and only of one that is not empty; between two
 * slices it holds nothing. An entry that comes meanwhile may or may not be
 * visited. If the table is resized meanwhile, the walk begins anew.
 */
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "ct.h"
#include "walk.h"

/* Most buckets that one slice looks at, if they are empty. */
#define LC_WALK_BUCKETS	8192U
/* As many of them cost as much as an entry. */
#define LC_WALK_EMPTY	64U

/* While one of conntrack's bucket locks is held, its table stays in place. */
static void look_at_table(struct lc_walk *walk)
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
 * An entry is in the table once for each direction. That of the reply is the one
 * that all have, also those that lost a clash.
 *
 * Return: the first entry that is to be deleted, held, or NULL.
 */
static struct nf_conn *visit_bucket(struct hlist_nulls_head *bucket,
				    unsigned int *left,
				    bool (*visit)(struct nf_conn *ct,
						  void *data),
				    void *data)
{
	struct nf_conntrack_tuple_hash *hash;
	struct hlist_nulls_node *node;
	struct nf_conn *ct;

	hlist_nulls_for_each_entry(hash, node, bucket, hnnode) {
		if (*left)
			--*left;
		if (NF_CT_DIRECTION(hash) != IP_CT_DIR_REPLY)
			continue;
		ct = nf_ct_tuplehash_to_ctrack(hash);
		if (nf_ct_is_dying(ct) || !visit(ct, data))
			continue;
		nf_conntrack_get(&ct->ct_general);
		return ct;
	}
	return NULL;
}

/* Return: false when the table has been resized. */
static bool visit_next(struct lc_walk *walk, unsigned int *left,
		       bool (*visit)(struct nf_conn *ct, void *data),
		       void *data)
{
	unsigned int next = walk->next;
	spinlock_t *lock = &nf_conntrack_locks[next % CONNTRACK_LOCKS];
	struct nf_conn *doomed = NULL;
	bool resized;

	lc_ct_bucket_lock(lock);
	resized = walk->table != nf_conntrack_hash;
	if (!resized)
		doomed = visit_bucket(&nf_conntrack_hash[next], left, visit,
				      data);
	spin_unlock(lock);
	if (resized)
		return false;
	if (!doomed) {
		walk->next++;
		return true;
	}
	/* Others of this bucket may follow. */
	nf_ct_delete(doomed, 0, 0);
	nf_ct_put(doomed);
	return true;
}

/**
 * lc_walk_slice() - visit the next entries of conntrack's table
 * @walk: zeroed memory, or as the last slice left it
 * @visit: called for each entry, under its bucket's lock and rcu_read_lock(),
 *	bottom halves off; returns whether the entry is to be deleted
 * @data: what @visit is given
 *
 * Entries of all namespaces are visited. About %LC_WALK_ENTRIES are a slice: some
 * ten microseconds.
 *
 * Context: process.
 * Return: whether there may be more.
 */
bool lc_walk_slice(struct lc_walk *walk,
		   bool (*visit)(struct nf_conn *ct, void *data), void *data)
{
	unsigned int buckets = LC_WALK_BUCKETS, left = LC_WALK_ENTRIES;
	bool more;

	/* The table seen here is not freed before the end. */
	rcu_read_lock();
	local_bh_disable();
	look_at_table(walk);
	while (left && buckets && walk->next < walk->size) {
		if (hlist_nulls_empty(&walk->table[walk->next])) {
			walk->next++;
			buckets--;
		} else if (!visit_next(walk, &left, visit, data)) {
			break;
		}
	}
	walk->visited += LC_WALK_ENTRIES - left +
			 (LC_WALK_BUCKETS - buckets) / LC_WALK_EMPTY;
	more = walk->next < walk->size;
	local_bh_enable();
	rcu_read_unlock();
	return more;
}

/**
 * lc_walk_table() - visit all entries of conntrack's table
 * @slices: the most slices to walk
 * @visit: as for lc_walk_slice()
 * @data: what @visit is given
 *
 * Context: process, may sleep.
 * Return: false if the table has more entries, or a fatal signal ended the walk.
 */
bool lc_walk_table(unsigned int slices,
		   bool (*visit)(struct nf_conn *ct, void *data), void *data)
{
	struct lc_walk walk = {};

	while (lc_walk_slice(&walk, visit, data)) {
		if (!--slices || fatal_signal_pending(current))
			return false;
		cond_resched();
	}
	return true;
}
