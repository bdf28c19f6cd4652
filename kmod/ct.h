/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CT_H
#define LC_CT_H

#include <linux/jhash.h>
#include <linux/prefetch.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "hint.h"
#include "record.h"

/**
 * lc_ct_key() - the key of an entry's record
 * @ct: the entry
 * @key: receives the key
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

/* Both sides have closed the connection, or it was reset. */
static inline bool lc_ct_tcp_is_closed(u8 state)
{
	return state == TCP_CONNTRACK_LAST_ACK ||
	       state == TCP_CONNTRACK_TIME_WAIT ||
	       state == TCP_CONNTRACK_CLOSE;
}

/**
 * lc_ct_phase() - the phase of a connection
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
	    lc_ct_tcp_is_closed(READ_ONCE(ct->proto.tcp.state)))
		return LC_INACTIVE;
	return LC_ACTIVE;
}

/**
 * lc_ct_is_first() - does an entry begin with the first packet of its connection?
 * @ct: the entry, not confirmed yet
 *
 * With nf_conntrack_tcp_loose any packet of a TCP connection makes an entry, as after
 * "conntrack -F" or a failover.
 *
 * Context: any.
 * Return: false for a TCP connection that was picked up later.
 */
static inline bool lc_ct_is_first(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) != IPPROTO_TCP ||
	       READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_SYN_SENT;
}

/**
 * lc_ct_is_reset() - is this a TCP connection that was reset?
 * @ct: its entry
 *
 * If the server has reset a connection, conntrack takes the next SYN from the same
 * ports for a part of that connection. It does not change the translation then.
 *
 * Context: any.
 * Return: true if it is.
 */
static inline bool lc_ct_is_reset(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_CLOSE;
}

/**
 * lc_ct_unreplied() - has the server not replied yet?
 * @ct: the entry of a connection that has just begun
 *
 * Context: any.
 * Return: true for TCP and UDP, if the client has had no reply from its server.
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
 * lc_ct_is_half_open() - is the handshake of a TCP connection incomplete?
 * @ct: its entry
 *
 * Context: any.
 * Return: true if it is.
 */
static inline bool lc_ct_is_half_open(const struct nf_conn *ct)
{
	u8 state;

	if (nf_ct_protonum(ct) != IPPROTO_TCP ||
	    test_bit(IPS_ASSURED_BIT, &ct->status))
		return false;
	state = READ_ONCE(ct->proto.tcp.state);
	return state == TCP_CONNTRACK_SYN_SENT ||
	       state == TCP_CONNTRACK_SYN_RECV ||
	       state == TCP_CONNTRACK_SYN_SENT2;
}

/**
 * lc_ct_answered() - has the server answered?
 * @ct: the entry
 *
 * Context: any.
 * Return: true if TCP is established, or another protocol has had a reply.
 */
static inline bool lc_ct_answered(const struct nf_conn *ct)
{
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		return test_bit(IPS_ASSURED_BIT, &ct->status);
	return test_bit(IPS_SEEN_REPLY_BIT, &ct->status);
}

/**
 * lc_ct_accepted() - has the server accepted the connection?
 * @ct: the entry
 *
 * A SYN-ACK is enough: the rest of the handshake is the client's.
 *
 * Context: any.
 * Return: true if TCP has had a SYN-ACK, or another protocol a reply.
 */
static inline bool lc_ct_accepted(const struct nf_conn *ct)
{
	return lc_ct_answered(ct) ||
	       (nf_ct_protonum(ct) == IPPROTO_TCP &&
		READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_SYN_RECV);
}

/* Of hashes of addresses: what collides cannot be computed. */
extern u32 lc_ct_seed;

void lc_ct_init(void);

/**
 * lc_ct_addr_hash() - a hash of the addresses and ports of a packet
 * @from: its source address; unused bytes are zero
 * @to: its destination address
 * @sport: its source port
 * @dport: its destination port
 *
 * Context: any.
 * Return: the hash.
 */
static inline u32 lc_ct_addr_hash(const union nf_inet_addr *from,
				  const union nf_inet_addr *to, __be16 sport,
				  __be16 dport)
{
	u32 ports = (u32)(__force u16)sport << 16 | (__force u16)dport;

	return jhash2(to->all, 4, jhash2(from->all, 4, ports ^ lc_ct_seed));
}

/**
 * lc_ct_client() - a number for the client of a connection
 * @src: the connection's source address
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * The addresses of an IPv6 network of 64 bits are one client.
 *
 * Context: any.
 * Return: the number; two clients seldom have the same one.
 */
static inline u32 lc_ct_client(const union nf_inet_addr *src, u8 family)
{
	if (family == NFPROTO_IPV4)
		return (__force u32)src->ip;
	return jhash_2words((__force u32)src->ip6[0], (__force u32)src->ip6[1],
			    lc_ct_seed);
}

static inline const struct nf_conntrack_tuple *
lc_ct_reply_tuple(const struct nf_conn *ct)
{
	return &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
}

/*
 * Is the connection translated to the address of @backend? And does the backend still
 * have users: another backend may have the same address by now.
 */
static inline bool lc_ct_is_to_address(const struct nf_conn *ct,
				       const struct lc_backend *backend)
{
	const struct nf_conntrack_tuple *tuple = lc_ct_reply_tuple(ct);

	return nf_inet_addr_cmp(&tuple->src.u3, &backend->key.addr) &&
	       tuple->src.l3num == backend->key.family &&
	       !READ_ONCE(backend->gone);
}

static inline bool lc_ct_is_to_port(const struct nf_conn *ct,
				    const struct lc_backend *backend)
{
	const struct nf_conntrack_tuple *tuple = lc_ct_reply_tuple(ct);

	return tuple->src.u.all == backend->key.port &&
	       tuple->dst.protonum == backend->key.proto &&
	       lc_ct_is_to_address(ct, backend);
}

bool lc_ct_find_dests(struct lc_backends *backends, const struct nf_conn *ct,
		      struct lc_dests *dests);

/**
 * lc_ct_dests() - find the backends that count a connection
 * @backends: the namespace's
 * @ct: the connection's entry
 * @dests: receives the backends
 *
 * Context: any, under rcu_read_lock(), which keeps the backends in @dests.
 * Return: false if no backend counts it.
 */
static inline bool lc_ct_dests(struct lc_backends *backends,
			       const struct nf_conn *ct,
			       struct lc_dests *dests)
{
	struct lc_backend *chosen = lc_hint_get();

	if (!chosen || chosen->home != backends ||
	    READ_ONCE(backends->n_any_port) ||
	    !lc_ct_is_to_port(ct, chosen))
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
	__acquire(lock);	/* nf_conntrack_lock() is not annotated */
}

/**
 * lc_ct_prefetch_bucket() - prefetch a bucket of conntrack's table
 * @bucket: index of the bucket; one that does not exist does no harm
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
