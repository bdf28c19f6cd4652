// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conntrack entries: the key, the backends and the phase of a connection. Nothing here
 * changes an entry.
 */
#include <linux/random.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "addr.h"
#include "ct.h"

u32 lc_ct_seed __ro_after_init;

/**
 * lc_ct_init() - the module loads
 */
void __init lc_ct_init(void)
{
	lc_ct_seed = get_random_u32();
}

/* Word by word; the words that differ most often come first. */
static bool ct_has_key(const struct nf_conn *ct, const struct lc_record_key *key)
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
 * lc_ct_find_dests() - lc_ct_dests() without the hint
 * @backends: the namespace's
 * @ct: the connection's entry
 * @dests: receives the backends
 *
 * The backends are looked up by the address that replies come from.
 *
 * Context: any, under rcu_read_lock(), which keeps the backends in @dests.
 * Return: false if no backend counts it.
 */
bool lc_ct_find_dests(struct lc_backends *backends, const struct nf_conn *ct,
		      struct lc_dests *dests)
{
	const struct nf_conntrack_tuple *tuple = lc_ct_reply_tuple(ct);
	struct lc_backend_key key = {
		.addr	= tuple->src.u3,
		.family	= tuple->src.l3num,
	};

	dests->any_port = NULL;
	if (READ_ONCE(backends->n_any_port))
		dests->any_port = lc_backend_find(backends, &key);
	dests->exact = NULL;
	if (lc_proto_has_ports(tuple->dst.protonum) && tuple->src.u.all) {
		key.port = tuple->src.u.all;
		key.proto = tuple->dst.protonum;
		dests->exact = lc_backend_find(backends, &key);
	}
	return dests->exact || dests->any_port;
}

/* Inline: the gc calls this for every connection in every round. */
static __always_inline bool ct_has_dests(const struct nf_conn *ct,
					 const struct lc_dests *dests)
{
	const struct lc_backend *exact = READ_ONCE(dests->exact);
	const struct lc_backend *any_port = READ_ONCE(dests->any_port);

	return (!exact || lc_ct_is_to_port(ct, exact)) &&
	       (!any_port || lc_ct_is_to_address(ct, any_port));
}

/**
 * lc_ct_has_dests() - do these backends still count a connection?
 * @ct: its entry
 * @dests: the backends that count it
 *
 * This costs less than lc_ct_dests(). It does not find a backend that has appeared
 * later: adoption finds its connections.
 *
 * Context: any, under rcu_read_lock().
 * Return: false if one of the backends has gone, or replies come from another address
 *	or port.
 */
bool lc_ct_has_dests(const struct nf_conn *ct, const struct lc_dests *dests)
{
	return ct_has_dests(ct, dests);
}

/**
 * lc_ct_get() - find the entry of a record
 * @net: the namespace
 * @key: the record's key
 *
 * Conntrack removes expired entries that it meets in the search, and takes bucket locks
 * for that. So no bucket lock and no lock of a record may be held.
 *
 * Context: process or softirq.
 * Return: the entry with a reference, for nf_ct_put(), or NULL if there is no live one.
 */
struct nf_conn *lc_ct_get(struct net *net, const struct lc_record_key *key)
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
 * lc_ct_bucket() - the bucket of conntrack's table that has an entry
 * @ct: the entry; the caller has a reference
 *
 * The nulls value at the end of a chain is the index of its bucket.
 *
 * Context: any, under rcu_read_lock().
 * Return: the index of the bucket; valid until the table is resized.
 */
u32 lc_ct_bucket(const struct nf_conn *ct)
{
	const struct hlist_nulls_node *node =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].hnnode;

	while (!is_a_nulls(node))
		node = rcu_dereference(hlist_nulls_next_rcu(node));
	return get_nulls_value(node);
}

/**
 * lc_ct_prefetch() - prefetch the entries of buckets of conntrack's table
 * @buckets: indexes of the buckets; the buckets themselves have been prefetched
 * @n: how many
 *
 * This prefetches the first entry of each bucket. A second one would be another cache
 * miss, but most buckets have none.
 *
 * Context: bottom halves off, under rcu_read_lock(). No bucket lock may be held.
 */
void lc_ct_prefetch(const u32 *buckets, unsigned int n)
{
	spinlock_t *lock = &nf_conntrack_locks[0];
	const struct hlist_nulls_node *node;
	unsigned int i;

	lc_ct_bucket_lock(lock);
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

/* The lock of @bucket is held. */
static const struct nf_conn *ct_find_in_bucket(struct hlist_nulls_head *bucket,
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
		if (ct_has_key(ct, key) && net_eq(nf_ct_net(ct), net))
			return ct;
	}
	return NULL;
}

/**
 * lc_ct_unchanged() - is the entry of a record unchanged since the last check?
 * @net: the namespace
 * @record: the record; at least one backend counts it
 *
 * This costs a fifth of lc_ct_get(). It takes the lock of the bucket that had the entry,
 * which keeps the entry and the table in place. So it needs neither a reference nor a
 * hash.
 *
 * Context: bottom halves off, under rcu_read_lock(). No bucket lock and no lock of a
 *	record may be held.
 * Return: false if the entry has changed, or the table was resized.
 */
bool lc_ct_unchanged(const struct net *net, const struct lc_record *record)
{
	u32 bucket = record->bucket;
	spinlock_t *lock = &nf_conntrack_locks[bucket % CONNTRACK_LOCKS];
	const struct nf_conn *ct = NULL;
	bool unchanged;

	lc_ct_bucket_lock(lock);
	if (bucket < nf_conntrack_htable_size)
		ct = ct_find_in_bucket(&nf_conntrack_hash[bucket], net, &record->key);
	unchanged = ct && !nf_ct_is_expired(ct) &&
		    lc_ct_phase(ct) == lc_record_phase(record) &&
		    !lc_ct_is_half_open(ct) &&
		    ct_has_dests(ct, &record->dests);
	spin_unlock(lock);
	return unchanged;
}
