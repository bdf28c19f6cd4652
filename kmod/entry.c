// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a conntrack entry says: which connection it is, whose load, how far in
 * its life. Reads entries, changes none.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "entry.h"

/**
 * lc_entry_key() - the key of an entry's record
 * @ct: the entry
 * @key: filled whole
 *
 * Context: any.
 */
void lc_entry_key(const struct nf_conn *ct, struct lc_record_key *key)
{
	key->tuple = ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	key->zone = nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL);
	key->pad = 0;
}

/* Both sides have closed, or one has reset. */
static bool tcp_closed(u8 state)
{
	return state == TCP_CONNTRACK_LAST_ACK ||
	       state == TCP_CONNTRACK_TIME_WAIT ||
	       state == TCP_CONNTRACK_CLOSE;
}

/**
 * lc_entry_phase() - where in its life a connection is
 * @ct: its entry
 *
 * Context: any.
 * Return: the phase.
 */
enum lc_phase lc_entry_phase(const struct nf_conn *ct)
{
	if (nf_ct_is_dying(ct))
		return LC_ENDED;
	if (nf_ct_protonum(ct) == IPPROTO_TCP &&
	    tcp_closed(READ_ONCE(ct->proto.tcp.state)))
		return LC_INACTIVE;
	return LC_ACTIVE;
}

/* The backend that answers @ct, by the address its replies come from. */
static inline void answering(const struct nf_conn *ct,
			     struct lc_backend_key *key)
{
	const struct nf_conntrack_tuple *reply =
		&ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	const bool has_ports = lc_proto_has_ports(reply->dst.protonum);

	key->addr = reply->src.u3;
	key->port = has_ports ? reply->src.u.all : 0;
	key->proto = has_ports ? reply->dst.protonum : 0;
	key->family = reply->src.l3num;
}

/**
 * lc_entry_load() - the backends a connection is a load of
 * @backends: its namespace's
 * @ct: its entry
 * @load: filled whole
 *
 * Context: any, under rcu_read_lock(), which keeps what @load names.
 * Return: false when it is nobody's.
 */
bool lc_entry_load(struct lc_backends *backends, const struct nf_conn *ct,
		   struct lc_load *load)
{
	struct lc_backend_key key;

	answering(ct, &key);
	load->server = key.port ? lc_backend_find(backends, &key) : NULL;
	load->host = NULL;
	if (READ_ONCE(backends->wide)) {
		key.port = 0;
		key.proto = 0;
		load->host = lc_backend_find(backends, &key);
	}
	return load->server || load->host;
}

/**
 * lc_entry_fits() - is a connection still a load of these backends?
 * @ct: its entry
 * @load: where it is counted
 *
 * Cheaper than asking anew. A backend that came later is not looked for:
 * adoption does that.
 *
 * Context: any.
 * Return: false when one of them has gone or is not the one that answers.
 */
bool lc_entry_fits(const struct nf_conn *ct, const struct lc_load *load)
{
	struct lc_backend_key key;

	answering(ct, &key);
	if (load->server && !lc_backend_is(load->server, &key))
		return false;
	key.port = 0;
	key.proto = 0;
	return !load->host || lc_backend_is(load->host, &key);
}

/**
 * lc_entry_get() - the live entry a record speaks of
 * @net: the namespace
 * @key: the record's key
 *
 * Conntrack drops an expired entry that it meets on the way, so this takes
 * bucket locks: not to be called under them, nor under a record's lock.
 *
 * Context: process or softirq.
 * Return: the entry, to be given back with nf_ct_put(), or NULL.
 */
struct nf_conn *lc_entry_get(struct net *net, const struct lc_record_key *key)
{
	struct nf_conntrack_zone zone = {
		.id	= key->zone,
		.dir	= NF_CT_DEFAULT_ZONE_DIR,
	};
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(net, &zone, &key->tuple);
	if (!hash)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (NF_CT_DIRECTION(hash) == IP_CT_DIR_ORIGINAL && !nf_ct_is_dying(ct))
		return ct;
	nf_ct_put(ct);
	return NULL;
}
