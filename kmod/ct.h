/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CT_H
#define LC_CT_H

#include <linux/prefetch.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "hint.h"
#include "record.h"

/**
 * lc_ct_key() - the key of an entry's record
 * @ct: the entry
 * @key: filled whole
 *
 * Context: any.
 */
static inline void lc_ct_key(const struct nf_conn *ct,
			     struct lc_record_key *key)
{
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;

	key->src = tuple->src.u3;
	key->dst = tuple->dst.u3;
	key->src_id = tuple->src.u.all;
	key->dst_id = tuple->dst.u.all;
	key->zone = nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL);
	key->proto = tuple->dst.protonum;
	key->family = tuple->src.l3num;
}

/* Both sides have closed, or one has reset. */
static inline bool lc_tcp_closed(u8 state)
{
	return state == TCP_CONNTRACK_LAST_ACK ||
	       state == TCP_CONNTRACK_TIME_WAIT ||
	       state == TCP_CONNTRACK_CLOSE;
}

/**
 * lc_ct_phase() - where in its life a connection is
 * @ct: its entry
 *
 * Context: any.
 * Return: the phase.
 */
static inline enum lc_phase lc_ct_phase(const struct nf_conn *ct)
{
	if (nf_ct_is_dying(ct))
		return LC_ENDED;
	if (nf_ct_protonum(ct) == IPPROTO_TCP &&
	    lc_tcp_closed(READ_ONCE(ct->proto.tcp.state)))
		return LC_INACTIVE;
	return LC_ACTIVE;
}

/**
 * lc_ct_is_reset() - is this a TCP connection that was reset?
 * @ct: its entry
 *
 * Conntrack takes a SYN for a reset connection's ports as news of that one when
 * it was the server that had reset it, and leaves the translation as it was.
 *
 * Context: any.
 * Return: whether it is.
 */
static inline bool lc_ct_is_reset(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_CLOSE;
}

/**
 * lc_ct_unreplied() - has nobody answered yet?
 * @ct: the entry of a connection that has just begun
 *
 * Context: any.
 * Return: whether a TCP or UDP client has queued nothing from its server.
 */
static inline bool lc_ct_unreplied(const struct nf_conn *ct)
{
	if (test_bit(IPS_SEEN_REPLY_BIT, &ct->status))
		return false;
	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		return READ_ONCE(ct->proto.tcp.state) ==
		       TCP_CONNTRACK_SYN_SENT;
	case IPPROTO_UDP:
		return true;
	default:
		return false;
	}
}

/**
 * lc_ct_answered() - does its server answer?
 * @ct: the entry
 *
 * Context: any.
 * Return: whether it does: TCP has been established, UDP replied to.
 */
static inline bool lc_ct_answered(const struct nf_conn *ct)
{
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		return test_bit(IPS_ASSURED_BIT, &ct->status);
	return test_bit(IPS_SEEN_REPLY_BIT, &ct->status);
}

static inline const struct nf_conntrack_tuple *
lc_ct_reply(const struct nf_conn *ct)
{
	return &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
}

/* Is @backend, the address it has and no other, who answers? */
static inline bool lc_ct_is_at(const struct nf_conn *ct,
			       const struct lc_backend *backend)
{
	const struct nf_conntrack_tuple *tuple = lc_ct_reply(ct);

	return nf_inet_addr_cmp(&tuple->src.u3, &backend->key.addr) &&
	       tuple->src.l3num == backend->key.family &&
	       !READ_ONCE(backend->gone);
}

static inline bool lc_ct_is_at_port(const struct nf_conn *ct,
				    const struct lc_backend *backend)
{
	const struct nf_conntrack_tuple *tuple = lc_ct_reply(ct);

	return tuple->src.u.all == backend->key.port &&
	       tuple->dst.protonum == backend->key.proto &&
	       lc_ct_is_at(ct, backend);
}

bool lc_ct_find_dests(struct lc_backends *backends, const struct nf_conn *ct,
		      struct lc_dests *dests);

/**
 * lc_ct_dests() - the backends a connection is a load of
 * @backends: its namespace's
 * @ct: its entry
 * @dests: filled whole
 *
 * Context: any, under rcu_read_lock(), which keeps what @dests names.
 * Return: false when it is nobody's.
 */
static inline bool lc_ct_dests(struct lc_backends *backends,
			       const struct nf_conn *ct,
				 struct lc_dests *dests)
{
	struct lc_backend *chosen = lc_hint_get();

	if (!chosen || chosen->home != backends ||
	    READ_ONCE(backends->n_any_port) ||
	    !lc_ct_is_at_port(ct, chosen))
		return lc_ct_find_dests(backends, ct, dests);
	dests->exact = chosen;
	dests->any_port = NULL;
	return true;
}

/* While one of conntrack's bucket locks is held, its table stays in place. */
static inline void lc_ct_bucket_lock(spinlock_t *lock)
	__acquires(lock)
{
	nf_conntrack_lock(lock);
	__acquire(lock);	/* its declaration does not say so */
}

/**
 * lc_ct_prefetch_bucket() - a bucket of conntrack's table will be needed soon
 * @bucket: which; one that is not there does no harm
 *
 * Context: any.
 */
static inline void lc_ct_prefetch_bucket(u32 bucket)
{
	prefetch(READ_ONCE(nf_conntrack_hash) + bucket);
}

bool lc_ct_has_dests(const struct nf_conn *ct, const struct lc_dests *dests);
struct nf_conn *lc_ct_get(struct net *net, const struct lc_record_key *key);
void lc_ct_prefetch(const u32 *buckets, unsigned int n);
u32 lc_ct_bucket(const struct nf_conn *ct);
bool lc_ct_unchanged(const struct net *net, const struct lc_record *record);

#endif /* LC_CT_H */
