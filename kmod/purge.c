// SPDX-License-Identifier: GPL-2.0-only
/* Purging: deletes conntrack entries of backends that are to lose them. */
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "ct.h"
#include "gc.h"
#include "healer.h"
#include "purge.h"
#include "share.h"
#include "walk.h"

/**
 * struct purge - a purge of a namespace's entries
 * @gc: the namespace's
 * @keys: memory for the keys of some records
 * @room: how many keys there is memory for
 * @count: deleted entries
 */
struct purge {
	const struct lc_gc	*gc;
	struct lc_record_key	*keys;
	unsigned int		room;
	unsigned int		count;
};

static enum lc_purge purge_of_dests(const struct lc_dests *dests)
{
	enum lc_purge exact = LC_PURGE_NONE, any_port = LC_PURGE_NONE;

	if (dests->exact)
		exact = READ_ONCE(dests->exact->purge);
	if (dests->any_port)
		any_port = READ_ONCE(dests->any_port->purge);
	return max(exact, any_port);
}

static bool dests_are_purged(const struct lc_dests *dests)
{
	return purge_of_dests(dests) != LC_PURGE_NONE;
}

static bool purge_takes(enum lc_purge purge, const struct nf_conn *ct)
{
	switch (purge) {
	case LC_PURGE_ALL:
		return true;
	case LC_PURGE_UNANSWERED:
		return !test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ||
		       lc_ct_is_reset(ct);
	case LC_PURGE_CLOSED:
		return lc_ct_is_reset(ct);
	case LC_PURGE_NONE:
		break;
	}
	return false;
}

/* The connection does not count any more: the client's next packet may choose anew. */
static void end_record(const struct lc_gc *gc, const struct nf_conn *ct)
{
	struct lc_record_key key;

	if (!READ_ONCE(gc->records->open))
		return;
	lc_ct_key(ct, &key);
	lc_record_close(gc->records, &key, LC_ENDED);
}

/* Return: true if an entry is to be deleted; it is not counted any more. */
static bool purge_begin(const struct lc_gc *gc, const struct nf_conn *ct)
{
	struct lc_dests dests;
	bool purged;

	rcu_read_lock();
	purged = lc_ct_dests(gc->backends, ct, &dests) &&
		 purge_takes(purge_of_dests(&dests), ct);
	if (purged)
		end_record(gc, ct);
	rcu_read_unlock();
	return purged;
}

static void purge_key(struct purge *purge, const struct lc_record_key *key)
{
	struct nf_conn *ct = lc_ct_get(purge->gc->net, key);

	if (!ct)
		return;
	if (purge_begin(purge->gc, ct))
		purge->count += nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
}

/* Return: false if memory is short. */
static bool alloc_keys(struct purge *purge, unsigned int room)
{
	kvfree(purge->keys);
	purge->keys = kvmalloc_array(room, sizeof(*purge->keys), GFP_KERNEL);
	purge->room = purge->keys ? room : 0;
	return purge->keys;
}

/* Return: false if memory is short. */
static bool purge_part(struct purge *purge, unsigned int part)
{
	unsigned int found, i;

	while ((found = lc_records_collect(purge->gc->records, part,
					   dests_are_purged, purge->keys,
					   purge->room)) > purge->room)
		if (!alloc_keys(purge, found + found / 8))
			return false;
	for (i = 0; i < found; i++) {
		purge_key(purge, &purge->keys[i]);
		cond_resched();
	}
	return true;
}

/*
 * The cost depends on the namespace's own connections only. Return: false if memory
 * is short, or if the namespace has no records.
 */
static bool purge_records(struct purge *purge)
{
	bool done = purge->gc->records->open;
	unsigned int part;

	for (part = 0; done && part < LC_TABLE_LOCKS; part++) {
		if (fatal_signal_pending(current))
			break;
		done = purge_part(purge, part);
		cond_resched();
	}
	kvfree(purge->keys);
	return done;
}

/* Called under a conntrack bucket lock. Return: negative if the entry is to be deleted. */
static int purge_entry(struct nf_conn *ct, void *data)
{
	struct purge *purge = data;
	bool purged;

	purged = net_eq(nf_ct_net(ct), purge->gc->net) &&
		 purge_begin(purge->gc, ct);
	purge->count += purged;
	return purged ? -1 : 0;
}

/**
 * lc_purge() - delete the entries that lc_backend.purge selects
 * @gc: the namespace's
 *
 * In the host's own user namespace every entry of conntrack's table is checked. In
 * another one the walk stops after LC_WALK_NOW slices; then the entries of the
 * namespace's own records are checked.
 *
 * Context: may sleep.
 * Return: how many entries were deleted.
 */
unsigned int lc_purge(const struct lc_gc *gc)
{
	struct purge purge = { .gc = gc };
	unsigned int slices = lc_share_is_trusted(gc->healer->share) ?
			      UINT_MAX : LC_WALK_NOW;

	if (nf_conntrack_count(gc->net) &&
	    !lc_walk_table(slices, purge_entry, &purge) &&
	    !purge_records(&purge))
		lc_walk_table(UINT_MAX, purge_entry, &purge);
	return purge.count;
}
