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

static bool is_to_purge(const struct lc_load *load)
{
	return wanted(load) != LC_PURGE_NONE;
}

static bool ct_is_purged(struct lc_net *ln, struct nf_conn *ct)
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
	doomed = ct_is_purged(purge->ln, ct);
	rcu_read_unlock();
	if (doomed)
		purge->count += nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
}

/* Return: false if memory is short. */
static bool make_room(struct purge *purge, unsigned int room)
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

	while ((found = lc_records_pick(&purge->ln->records, part, is_to_purge,
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
 * The cost depends on the namespace's own connections only. Return: false if memory
 * is short, or if the namespace has no records.
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
		 ct_is_purged(purge->ln, ct);
	purge->count += doomed;
	return doomed;
}

/**
 * lc_purge() - delete the entries that backends want purged
 * @ln: the namespace
 *
 * In the host's own user namespace every entry of conntrack's table is checked. In
 * another one the walk stops after LC_WALK_NOW slices; then the entries of the
 * namespace's own records are checked.
 *
 * Context: may sleep.
 * Return: how many there were.
 */
unsigned int lc_purge(struct lc_net *ln)
{
	struct purge purge = { .ln = ln };
	unsigned int slices = lc_share_is_trusted(ln->share) ?
			      UINT_MAX : LC_WALK_NOW;

	if (nf_conntrack_count(ln->net) &&
	    !lc_walk_table(slices, purge_entry, &purge) &&
	    !purge_records(&purge))
		lc_walk_table(UINT_MAX, purge_entry, &purge);
	return purge.count;
}
