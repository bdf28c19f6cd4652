// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a conntrack entry says: which connection it is, whose load, how far in
 * its life. Reads entries, changes none.
 */
#include <net/netfilter/nf_conntrack_core.h>

#include "addr.h"
#include "ct.h"

/* Word by word, the likeliest difference first. */
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
 * lc_ct_find_dests() - lc_ct_dests() by the address that replies come from
 * @backends: its namespace's
 * @ct: its entry
 * @dests: filled whole
 *
 * Context: any, under rcu_read_lock(), which keeps what @dests names.
 * Return: false when it is nobody's.
 */
bool lc_ct_find_dests(struct lc_backends *backends, const struct nf_conn *ct,
		      struct lc_dests *dests)
{
	const struct nf_conntrack_tuple *tuple = lc_ct_reply(ct);
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

/* Inline: the gc asks this of every connection in every round. */
static __always_inline bool has_dests(const struct nf_conn *ct,
				      const struct lc_dests *dests)
{
	const struct lc_backend *exact = READ_ONCE(dests->exact);
	const struct lc_backend *any_port = READ_ONCE(dests->any_port);

	return (!exact || lc_ct_is_at_port(ct, exact)) &&
	       (!any_port || lc_ct_is_at(ct, any_port));
}

/**
 * lc_ct_has_dests() - is a connection still a load of these backends?
 * @ct: its entry
 * @dests: where it is counted
 *
 * Cheaper than asking anew. A backend that came later is not looked for:
 * adoption does that.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when one of them has gone or is not the one that answers.
 */
bool lc_ct_has_dests(const struct nf_conn *ct, const struct lc_dests *dests)
{
	return has_dests(ct, dests);
}

/**
 * lc_ct_get() - the live entry a record speaks of
 * @net: the namespace
 * @key: the record's key
 *
 * Conntrack drops an expired entry that it meets on the way, so this takes
 * bucket locks: not to be called under them, nor under a record's lock.
 *
 * Context: process or softirq.
 * Return: the entry, to be given back with nf_ct_put(), or NULL.
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
 * lc_ct_bucket() - where in conntrack's table an entry is
 * @ct: the entry, held
 *
 * The end of a chain names its bucket.
 *
 * Context: any, under rcu_read_lock().
 * Return: the bucket, good until the table is resized.
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
 * lc_ct_prefetch() - buckets of conntrack's table will be looked into
 * @buckets: which, themselves near by now
 * @n: how many
 *
 * Fetches the first entry of each. The next is as far again, but mostly there
 * is none.
 *
 * Context: bottom halves off, under rcu_read_lock(). Not under bucket locks.
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
		if (ct_has_key(ct, key) && net_eq(nf_ct_net(ct), net))
			return ct;
	}
	return NULL;
}

/**
 * lc_ct_unchanged() - is the entry a record speaks of where, and as, it was?
 * @net: the namespace
 * @record: the record, counted somewhere
 *
 * A fifth of what asking lc_ct_get() costs. It takes the lock of conntrack's
 * bucket, which keeps entry and table in place: no reference, no hash.
 *
 * Context: bottom halves off, under rcu_read_lock(). Not under bucket locks,
 *	nor under a record's lock.
 * Return: false when something has changed, or the table was resized.
 */
bool lc_ct_unchanged(const struct net *net, const struct lc_record *record)
{
	u32 bucket = record->bucket;
	spinlock_t *lock = &nf_conntrack_locks[bucket % CONNTRACK_LOCKS];
	const struct nf_conn *ct = NULL;
	bool unchanged;

	lc_ct_bucket_lock(lock);
	if (bucket < nf_conntrack_htable_size)
		ct = find(&nf_conntrack_hash[bucket], net, &record->key);
	unchanged = ct && !nf_ct_is_expired(ct) &&
		 lc_ct_phase(ct) == READ_ONCE(record->phase) &&
		 has_dests(ct, &record->dests);
	spin_unlock(lock);
	return unchanged;
}
