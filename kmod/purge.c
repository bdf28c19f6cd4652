// SPDX-License-Identifier: GPL-2.0-only
/* Deletes conntrack entries of backends that are to be left. */
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"
#include "net.h"
#include "purge.h"
#include "walk.h"

struct purge {
	struct lc_net	*ln;
	unsigned int	count;
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

/* Called under a conntrack bucket lock. Return: whether it is to be deleted. */
static bool purge_entry(struct nf_conn *ct, void *data)
{
	struct purge *purge = data;
	struct lc_load load;
	bool purged;

	purged = net_eq(nf_ct_net(ct), purge->ln->net) &&
		 lc_entry_load(&purge->ln->backends, ct, &load) &&
		 is_purged(ct, wanted(&load));
	purge->count += purged;
	return purged;
}

/**
 * lc_purge() - delete the entries that backends want purged
 * @ln: the namespace
 *
 * Context: may sleep.
 * Return: how many there were.
 */
unsigned int lc_purge(struct lc_net *ln)
{
	struct purge purge = { .ln = ln };
	struct lc_walk walk = {};

	if (!nf_conntrack_count(ln->net))
		return 0;
	while (lc_walk_slice(&walk, purge_entry, &purge)) {
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return purge.count;
}
