// SPDX-License-Identifier: GPL-2.0-only
/* Purging: deletes conntrack entries of backends that are to lose them. */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "ct.h"
#include "gc.h"
#include "report.h"
#include "purge.h"
#include "share.h"
#include "walk.h"

#define LC_PURGE_TIME	(HZ / 10)	/* of a tenant's command */

/**
 * struct purge - a purge of a namespace's entries
 * @gc: the namespace's
 * @keys: memory for the keys of some records
 * @room: how many keys there is memory for
 * @count: deleted entries
 * @until: jiffies after which entries are let expire
 */
struct purge {
	const struct lc_gc	*gc;
	struct lc_record_key	*keys;
	unsigned int		room;
	unsigned int		count;
	unsigned long		until;
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

static bool dests_are_killed(const struct lc_dests *dests)
{
	return purge_of_dests(dests) == LC_PURGE_ALL;
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
	struct lc_dests dests;

	if (!READ_ONCE(gc->records->open))
		return;
	lc_ct_key(ct, &key);
	if (!lc_record_end(gc->records, &key, &dests))
		return;
	if (dests.exact)
		lc_report_outdated(gc->healer, dests.exact);
	if (dests.any_port)
		lc_report_outdated(gc->healer, dests.any_port);
}

/* Return: true if an entry is to be deleted; it is not counted any more. */
static bool purge_begin(const struct lc_gc *gc, const struct nf_conn *ct)
{
	struct lc_dests dests;
	bool purged;

	rcu_read_lock();
	purged = !nf_ct_is_expired(ct) && lc_ct_dests(gc->backends, ct, &dests) &&
		 purge_takes(purge_of_dests(&dests), ct);
	if (purged)
		end_record(gc, ct);
	rcu_read_unlock();
	return purged;
}

static bool purge_is_late(const struct purge *purge, unsigned long until)
{
	return time_after(jiffies, until) &&
	       !lc_share_is_trusted(purge->gc->healer->share);
}

/* Does a tenant's command take long? */
static bool purge_takes_long(const struct purge *purge)
{
	return purge_is_late(purge, purge->until);
}

/*
 * To delete an entry may take long: conntrack reports it to each listener, through a filter
 * of the listener's. Other namespaces wait for a command meanwhile. A tenant's entries that
 * are left after LC_PURGE_TIME expire: the next packet, or conntrack, deletes them.
 *
 * Return: true if the entry has expired.
 */
static bool let_expire(const struct purge *purge, struct nf_conn *ct)
{
	if (!purge_takes_long(purge) ||
	    test_bit(IPS_OFFLOAD_BIT, &ct->status))
		return false;
	/* Packets that pass now do not prolong it. */
	set_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
	WRITE_ONCE(ct->timeout, nfct_time_stamp);
	return true;
}

/*
 * To look an entry up may take as long: conntrack deletes expired ones that it meets. A
 * tenant's command ends then, whatever is left.
 */
static bool purge_is_over(const struct purge *purge)
{
	return fatal_signal_pending(current) ||
	       purge_is_late(purge, purge->until + 3 * LC_PURGE_TIME);
}

static void purge_key(struct purge *purge, const struct lc_record_key *key)
{
	struct nf_conn *ct = lc_ct_get(purge->gc->net, key);

	if (!ct)
		return;
	if (purge_begin(purge->gc, ct))
		purge->count += let_expire(purge, ct) || nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
}

/*
 * Without this memory lc_purge() walks the whole table. So it is not charged: a tenant must
 * not be able to make that happen. Return: false if memory is short.
 */
static bool alloc_keys(struct purge *purge, unsigned int room)
{
	kvfree(purge->keys);
	purge->keys = kvmalloc_array(room, sizeof(*purge->keys), GFP_KERNEL);
	purge->room = purge->keys ? room : 0;
	return purge->keys;
}

/*
 * What is killed is charged before (change.c). Of the rest, no more is looked for when the
 * command takes long.
 *
 * Return: how many records of a part are to be purged; the first ones are in @keys.
 */
static unsigned int purge_find(const struct purge *purge, unsigned int part)
{
	return lc_records_collect(purge->gc->records, part,
				  purge_takes_long(purge) ? dests_are_killed :
							    dests_are_purged,
				  purge->keys, purge->room);
}

/* Return: false if memory is short. */
static bool purge_part(struct purge *purge, unsigned int part)
{
	unsigned int found, i;

	while ((found = purge_find(purge, part)) > purge->room)
		if (!alloc_keys(purge, found + found / 8))
			return false;
	for (i = 0; i < found && !purge_is_over(purge); i++) {
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
		if (purge_is_over(purge))
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
	return purged && !let_expire(purge, ct) ? -1 : 0;
}

/**
 * lc_purge() - delete the entries that lc_backend.purge selects
 * @gc: the namespace's
 *
 * In the host's own user namespace every entry of conntrack's table is checked. In
 * another one the walk stops after LC_WALK_NOW slices; then the entries of the
 * namespace's own records are checked. lc_healer_check() has to follow.
 *
 * Context: may sleep.
 * Return: how many entries were deleted.
 */
unsigned int lc_purge(const struct lc_gc *gc)
{
	struct purge purge = { .gc = gc, .until = jiffies + LC_PURGE_TIME };
	unsigned int slices = lc_share_is_trusted(gc->healer->share) ?
			      UINT_MAX : LC_WALK_NOW;

	if (nf_conntrack_count(gc->net) &&
	    !lc_walk_table(slices, purge_entry, &purge) &&
	    !purge_records(&purge))
		lc_walk_table(UINT_MAX, purge_entry, &purge);
	return purge.count;
}
