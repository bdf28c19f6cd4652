// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a conntrack entry says: which connection it is, whose load, how far in
 * its life. Reads entries, changes none.
 */
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"

/* Word by word, the likeliest difference first. */
static bool is_key(const struct nf_conn *ct, const struct lc_record_key *key)
{
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;

	return tuple->src.u.all == key->src_id &&
	       tuple->dst.u.all == key->dst_id &&
	       nf_inet_addr_cmp(&tuple->src.u3, &key->src) &&
	       nf_inet_addr_cmp(&tuple->dst.u3, &key->dst) &&
	       tuple->dst.protonum == key->proto &&
	       tuple->src.l3num == key->family &&
	       nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL) == key->zone;
}

/**
 * lc_entry_find_load() - lc_entry_load() by the address that replies come from
 * @backends: its namespace's
 * @ct: its entry
 * @load: filled whole
 *
 * Context: any, under rcu_read_lock(), which keeps what @load names.
 * Return: false when it is nobody's.
 */
bool lc_entry_find_load(struct lc_backends *backends, const struct nf_conn *ct,
			struct lc_load *load)
{
	const struct nf_conntrack_tuple *tuple = lc_entry_reply(ct);
	struct lc_backend_key key = {
		.addr	= tuple->src.u3,
		.family	= tuple->src.l3num,
	};

	load->host = NULL;
	if (READ_ONCE(backends->wide))
		load->host = lc_backend_find(backends, &key);
	load->server = NULL;
	if (lc_proto_has_ports(tuple->dst.protonum) && tuple->src.u.all) {
		key.port = tuple->src.u.all;
		key.proto = tuple->dst.protonum;
		load->server = lc_backend_find(backends, &key);
	}
	return load->server || load->host;
}

/* Inline: the reaper asks this of every connection in every round. */
static __always_inline bool fits(const struct nf_conn *ct,
				 const struct lc_load *load)
{
	const struct lc_backend *server = READ_ONCE(load->server);
	const struct lc_backend *host = READ_ONCE(load->host);

	return (!server || lc_entry_is_at_port(ct, server)) &&
	       (!host || lc_entry_is_at(ct, host));
}

/**
 * lc_entry_fits() - is a connection still a load of these backends?
 * @ct: its entry
 * @load: where it is counted
 *
 * Cheaper than asking anew. A backend that came later is not looked for:
 * adoption does that.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when one of them has gone or is not the one that answers.
 */
bool lc_entry_fits(const struct nf_conn *ct, const struct lc_load *load)
{
	return fits(ct, load);
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
	struct nf_conntrack_tuple tuple = {
		.src.u3		= key->src,
		.src.u.all	= key->src_id,
		.src.l3num	= key->family,
		.dst.u3		= key->dst,
		.dst.u.all	= key->dst_id,
		.dst.protonum	= key->proto,
	};
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(net, &zone, &tuple);
	if (!hash)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (NF_CT_DIRECTION(hash) == IP_CT_DIR_ORIGINAL && !nf_ct_is_dying(ct))
		return ct;
	nf_ct_put(ct);
	return NULL;
}

/**
 * lc_entry_bucket() - where in conntrack's table an entry is
 * @ct: the entry, held
 *
 * The end of a chain names its bucket.
 *
 * Context: any, under rcu_read_lock().
 * Return: the bucket, good until the table is resized.
 */
u32 lc_entry_bucket(const struct nf_conn *ct)
{
	const struct hlist_nulls_node *node =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].hnnode;

	while (!is_a_nulls(node))
		node = rcu_dereference(hlist_nulls_next_rcu(node));
	return get_nulls_value(node);
}

/**
 * lc_entries_expect() - buckets of conntrack's table will be looked into
 * @buckets: which, themselves near by now
 * @n: how many
 *
 * Fetches the first entry of each. The next is as far again, but mostly there
 * is none.
 *
 * Context: bottom halves off, under rcu_read_lock(). Not under bucket locks.
 */
void lc_entries_expect(const u32 *buckets, unsigned int n)
{
	spinlock_t *lock = &nf_conntrack_locks[0];
	const struct hlist_nulls_node *node;
	unsigned int i;

	lc_entry_bucket_lock(lock);
	for (i = 0; i < n; i++) {
		if (buckets[i] >= nf_conntrack_htable_size)
			continue;
		node = READ_ONCE(nf_conntrack_hash[buckets[i]].first);
		if (is_a_nulls(node))
			continue;
		prefetch(node);
		prefetch((const void *)node + SMP_CACHE_BYTES);
		prefetch((const void *)node + 2 * SMP_CACHE_BYTES);
	}
	spin_unlock(lock);
}

/* In a bucket of conntrack's table whose lock is held. */
static const struct nf_conn *find(struct hlist_nulls_head *bucket,
				  const struct net *net,
				  const struct lc_record_key *key)
{
	struct nf_conntrack_tuple_hash *hash;
	struct hlist_nulls_node *node;
	const struct nf_conn *ct;

	hlist_nulls_for_each_entry(hash, node, bucket, hnnode) {
		if (NF_CT_DIRECTION(hash) != IP_CT_DIR_ORIGINAL)
			continue;
		ct = nf_ct_tuplehash_to_ctrack(hash);
		if (is_key(ct, key) && net_eq(nf_ct_net(ct), net))
			return ct;
	}
	return NULL;
}

/**
 * lc_entry_stands() - is the entry a record speaks of where, and as, it was?
 * @net: the namespace
 * @record: the record, counted somewhere
 *
 * A fifth of what asking lc_entry_get() costs. It takes the lock of conntrack's
 * bucket, which keeps entry and table in place: no reference, no hash.
 *
 * Context: bottom halves off, under rcu_read_lock(). Not under bucket locks,
 *	nor under a record's lock.
 * Return: false when something has changed, or the table was resized.
 */
bool lc_entry_stands(const struct net *net, const struct lc_record *record)
{
	u32 bucket = record->bucket;
	spinlock_t *lock = &nf_conntrack_locks[bucket % CONNTRACK_LOCKS];
	const struct nf_conn *ct = NULL;
	bool stands;

	lc_entry_bucket_lock(lock);
	if (bucket < nf_conntrack_htable_size)
		ct = find(&nf_conntrack_hash[bucket], net, &record->key);
	stands = ct && !nf_ct_is_expired(ct) &&
		 lc_entry_phase(ct) == READ_ONCE(record->phase) &&
		 fits(ct, &record->load);
	spin_unlock(lock);
	return stands;
}
