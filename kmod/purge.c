// SPDX-License-Identifier: GPL-2.0-only
/* Deletes conntrack entries of backends that are to be left. */
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"
#include "net.h"
#include "purge.h"
#include "share.h"
#include "walk.h"

/* A table with 100,000 entries has twice as many in its buckets. */
#define LC_PURGE_NOW	262144U

/**
 * struct purge - of a namespace's entries
 * @ln: the namespace
 * @keys: memory for those of some records
 * @room: so many
 * @count: entries deleted
 */
struct purge {
	struct lc_net		*ln;
	struct lc_record_key	*keys;
	unsigned int		room;
	unsigned int		count;
};

static enum lc_purge wanted(const struct lc_load *load)
{
	enum lc_purge server = LC_PURGE_NONE, host = LC_PURGE_NONE;

	if (load->server)
		server = READ_ONCE(load->server->purge);
	if (load->host)
		host = READ_ONCE(load->host->purge);
	return max(server, host);
}

static bool is_purged(const struct nf_conn *ct, enum lc_purge purge)
{
	switch (purge) {
	case LC_PURGE_ALL:
		return true;
	case LC_PURGE_UNANSWERED:
		return !test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ||
		       lc_entry_is_reset(ct);
	case LC_PURGE_CLOSED:
		return lc_entry_is_reset(ct);
	case LC_PURGE_NONE:
		break;
	}
	return false;
}

static bool is_wanted(const struct lc_load *load)
{
	return wanted(load) != LC_PURGE_NONE;
}

static bool is_doomed(struct lc_net *ln, struct nf_conn *ct)
{
	struct lc_load load;

	return lc_entry_load(&ln->backends, ct, &load) &&
	       is_purged(ct, wanted(&load));
}

static void purge_key(struct purge *purge, const struct lc_record_key *key)
{
	struct nf_conn *ct = lc_entry_get(purge->ln->net, key);
	bool doomed;

	if (!ct)
		return;
	rcu_read_lock();
	doomed = is_doomed(purge->ln, ct);
	rcu_read_unlock();
	if (doomed)
		purge->count += nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
}

/* Return: false without memory. */
static bool make_room(struct purge *purge, unsigned int room)
{
	kvfree(purge->keys);
	purge->keys = kvmalloc_array(room, sizeof(*purge->keys), GFP_KERNEL);
	purge->room = purge->keys ? room : 0;
	return purge->keys;
}

/* Return: false without memory. */
static bool purge_part(struct purge *purge, unsigned int part)
{
	unsigned int found, i;

	while ((found = lc_records_pick(&purge->ln->records, part, is_wanted,
					purge->keys, purge->room)) > purge->room)
		if (!make_room(purge, found + found / 8))
			return false;
	for (i = 0; i < found; i++) {
		purge_key(purge, &purge->keys[i]);
		cond_resched();
	}
	return true;
}

/*
 * What that costs is the namespace's own doing, whatever else is in conntrack's
 * table. Return: false without memory, or where nothing is recorded.
 */
static bool purge_records(struct purge *purge)
{
	unsigned int part;
	bool done = purge->ln->records.open;

	for (part = 0; done && part < LC_TABLE_LOCKS; part++) {
		if (fatal_signal_pending(current))
			break;
		done = purge_part(purge, part);
		cond_resched();
	}
	kvfree(purge->keys);
	return done;
}

/* Called under a conntrack bucket lock. Return: whether it is to be deleted. */
static bool purge_entry(struct nf_conn *ct, void *data)
{
	struct purge *purge = data;
	bool doomed;

	doomed = net_eq(nf_ct_net(ct), purge->ln->net) &&
		 is_doomed(purge->ln, ct);
	purge->count += doomed;
	return doomed;
}

/* Return: whether all of the table was looked through, in so many slices at most. */
static bool purge_table(struct purge *purge, unsigned int slices)
{
	struct lc_walk walk = {};

	while (lc_walk_slice(&walk, purge_entry, purge)) {
		if (!--slices)
			return false;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return true;
}

/**
 * lc_purge() - delete the entries that backends want purged
 * @ln: the namespace
 *
 * In the host's own user namespace all entries of conntrack's table are looked at.
 * Else they are in a table of ordinary size; in a larger one those that are
 * recorded.
 *
 * Context: may sleep.
 * Return: how many there were.
 */
unsigned int lc_purge(struct lc_net *ln)
{
	struct purge purge = { .ln = ln };
	unsigned int slices = lc_share_is_trusted(ln->share) ?
			      UINT_MAX : LC_PURGE_NOW / LC_WALK_ENTRIES;

	if (nf_conntrack_count(ln->net) && !purge_table(&purge, slices) &&
	    !purge_records(&purge))
		purge_table(&purge, UINT_MAX);
	return purge.count;
}
