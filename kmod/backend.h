/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_BACKEND_H
#define LC_BACKEND_H

#include <linux/atomic.h>
#include <linux/in.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>

#include <net/ipv6.h>

#include <linux/leastconn.h>

#include "seat.h"

struct lc_step;

/**
 * enum lc_phase - where a connection is in its life, as its backend feels it
 * @LC_ACTIVE: it works its backend; what selection looks at
 * @LC_INACTIVE: TCP, closed by both sides or reset; its entry still stands
 * @LC_ENDED: its conntrack entry is gone; counted nowhere
 */
enum lc_phase {
	LC_ACTIVE,
	LC_INACTIVE,
	LC_ENDED,
};

/**
 * enum lc_purge - which conntrack entries of a backend are to be deleted
 * @LC_PURGE_NONE: none
 * @LC_PURGE_CLOSED: of reset TCP connections: the same ports would lead the next
 *	connection to the same backend
 * @LC_PURGE_UNANSWERED: these, and those that it has not answered
 * @LC_PURGE_ALL: all
 */
enum lc_purge {
	LC_PURGE_NONE,
	LC_PURGE_CLOSED,
	LC_PURGE_UNANSWERED,
	LC_PURGE_ALL,
};

/**
 * struct lc_backend_key - what makes a backend one and the same
 * @addr: its address; unused bytes are zero
 * @port: its port; 0: the backend is the whole address
 * @proto: layer-4 protocol; 0 when @port is 0: every protocol
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
struct lc_backend_key {
	union nf_inet_addr	addr;
	__be16			port;
	u8			proto;
	u8			family;
};

/**
 * struct lc_address - the backends of one address, for changes to all of them
 * @node: in lc_backends.addresses, while @backends is not empty
 * @key: the address and its family; no port, no protocol
 * @backends: in the order they appeared; lc_backends.lock
 */
struct lc_address {
	struct rhash_head	node;
	struct lc_backend_key	key;
	struct list_head	backends;
};

/**
 * lc_backend_key_equal() - are two keys the same?
 * @a: the one
 * @b: the other
 *
 * Return: whether they are.
 */
static inline bool lc_backend_key_equal(const struct lc_backend_key *a,
					const struct lc_backend_key *b)
{
	return nf_inet_addr_cmp(&a->addr, &b->addr) && a->port == b->port &&
	       a->proto == b->proto && a->family == b->family;
}

/**
 * struct lc_backend - a server, shared by every rule of a namespace that
 *	leads to it
 * @node: in lc_backends.table, from creation until the last user leaves
 * @key: constant
 * @home: its namespace's; constant, and only to be compared with
 * @active: connections in phase LC_ACTIVE: recorded ones, and @missed and @stale
 * @inactive: recorded connections in phase LC_INACTIVE
 * @total: connections ever recorded
 * @missed: that could not be recorded, since the last walk of adoption began
 * @stale: that could not be recorded before that; lc_backends.lock
 * @failed: connections that did, since somebody last asked
 * @fails: connections that did, ever
 * @answered: not 0: it has answered one, since somebody last asked
 * @watched: pools that want to know of failed connections; written under
 *	lc_backends.lock
 * @redispatch: pools that give them to another one; the same
 * @suspected: and of answered ones; the same
 * @heard: in lc_healer.news, until it is judged
 * @news: there
 * @reason: &enum leastconn_reason of the last one that failed
 * @since: jiffies from when on it takes connections; lc_backends.lock
 * @ref: keeps the memory: one for all users together, one a record
 * @users: pools that list it, changes under way, and a @state other than
 *	ready; lc_backends.lock
 * @gone: the last user has left: count nothing new; written under
 *	lc_backends.lock, read anywhere
 * @state: &enum leastconn_state; lc_backends.lock, also read without
 * @purge: &enum lc_purge; written under lc_backends.lock
 * @drained: that it is has been told; lc_backends.lock
 * @list: in lc_backends.list; lc_backends.lock
 * @address: the backends of its address; lc_backends.lock
 * @siblings: in lc_address.backends; lc_backends.lock
 * @step: the step of the changes under way that is about it, or NULL;
 *	lc_backends.lock
 * @unready: in lc_backends.unready while @state is not ready; lc_backends.lock
 * @seats: in pools, which want to know when @active becomes less; readers
 *	under RCU, written under lc_backends.lock
 * @n_seats: how many are in @seats; lc_backends.lock
 * @rcu: frees it after the last reader
 */
struct lc_backend {
	struct rhash_head	node;
	struct lc_backend_key	key;
	const struct lc_backends *home;
	atomic_t		active;
	atomic_t		inactive;
	atomic64_t		total;
	atomic_t		missed;
	unsigned int		stale;
	atomic_t		failed;
	atomic_t		fails;
	atomic_t		answered;
	atomic_t		heard;
	struct llist_node	news;
	bool			suspected;
	u8			reason;
	unsigned int		watched;
	unsigned int		redispatch;
	u64			since;
	refcount_t		ref;
	unsigned int		users;
	bool			gone;
	u8			state;
	u8			purge;
	bool			drained;
	struct list_head	list;
	struct lc_address	*address;
	struct list_head	siblings;
	struct lc_step		*step;
	struct list_head	unready;
	struct hlist_head	seats;
	unsigned int		n_seats;
	struct rcu_head		rcu;
};

/*
 * Which parts of a key somebody has given. The rest of the bits are free for what
 * else there may be.
 */
#define LC_GIVEN_FAMILY		BIT(0)
#define LC_GIVEN_ADDRESS	BIT(1)
#define LC_GIVEN_PORT		BIT(2)
#define LC_GIVEN_PROTO		BIT(3)

/**
 * lc_backend_matches() - is this one of those who are meant?
 * @backend: the backend
 * @key: parts of a key
 * @given: which
 *
 * Context: any.
 * Return: whether it is.
 */
static inline bool lc_backend_matches(const struct lc_backend *backend,
				      const struct lc_backend_key *key,
				      unsigned int given)
{
	const struct lc_backend_key *own = &backend->key;

	return (!(given & LC_GIVEN_FAMILY) || own->family == key->family) &&
	       (!(given & LC_GIVEN_ADDRESS) ||
		nf_inet_addr_cmp(&own->addr, &key->addr)) &&
	       (!(given & LC_GIVEN_PORT) || own->port == key->port) &&
	       (!(given & LC_GIVEN_PROTO) || own->proto == key->proto);
}

/**
 * lc_backend_get() - hold a backend found under RCU
 * @backend: the backend
 *
 * Context: any.
 * Return: false when it is going and must not be counted on.
 */
static inline bool lc_backend_get(struct lc_backend *backend)
{
	return !READ_ONCE(backend->gone) &&
	       refcount_inc_not_zero(&backend->ref);
}

/**
 * struct lc_backends - the backends of a network namespace
 * @lock: who is in @table and @list, and every backend's users and seats
 * @table: by key; readers under RCU
 * @addresses: by address; @lock
 * @list: in the order they appeared
 * @wide: how many stand for a whole address; written under @lock
 * @created: how many ever appeared; written under @lock
 * @count: how many there are; @lock
 * @kept: of IPv4, of IPv6, how many are not ready; @lock
 * @unready: they, the one first that was looked at longest ago; @lock
 * @to_look: how many of them are to be looked at: they may be drained by now;
 *	written under @lock
 * @closed: the namespace is gone, @table with it; @lock
 */
struct lc_backends {
	struct mutex		lock;	/* all of it, users, seats, states */
	struct rhashtable	table;
	struct rhashtable	addresses;
	struct list_head	list;
	unsigned int		wide;
	unsigned int		created;
	unsigned int		count;
	unsigned int		kept[2];
	struct list_head	unready;
	unsigned int		to_look;
	bool			closed;
};

/**
 * lc_proto_has_ports() - can a backend of this protocol have a port?
 * @proto: layer-4 protocol
 *
 * Context: any.
 * Return: whether it can.
 */
static inline bool lc_proto_has_ports(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		return true;
	default:
		return false;
	}
}

/**
 * lc_address_is_good() - can a packet be sent there?
 * @addr: an address
 * @family: its
 *
 * Context: any.
 * Return: whether it is a unicast address, and nothing is beside it.
 */
static inline bool lc_address_is_good(const union nf_inet_addr *addr, u8 family)
{
	if (family == NFPROTO_IPV6)
		return !ipv6_addr_any(&addr->in6) &&
		       !ipv6_addr_is_multicast(&addr->in6);
	return addr->ip != htonl(INADDR_ANY) &&
	       !ipv4_is_multicast(addr->ip) &&
	       !ipv4_is_lbcast(addr->ip) &&
	       !addr->all[1] && !addr->all[2] && !addr->all[3];
}

static inline unsigned int lc_family_index(u8 family)
{
	return family == NFPROTO_IPV6;
}

DECLARE_PER_CPU(struct lc_backend __rcu *, lc_chosen);

/**
 * lc_backend_chosen() - the backend that was chosen last on this processor
 * @backends: the namespace's
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend, alive until the read section ends, or NULL.
 */
static inline struct lc_backend *
lc_backend_chosen(const struct lc_backends *backends)
{
	struct lc_backend *backend = rcu_dereference(*raw_cpu_ptr(&lc_chosen));

	return backend && backend->home == backends ? backend : NULL;
}

/**
 * lc_backend_begin() - count a new connection, and hold its backend
 * @backend: the backend, found under RCU
 * @phase: LC_ACTIVE or LC_INACTIVE; LC_ENDED: already over
 *
 * Context: any.
 * Return: false when it is going and counts nothing new.
 */
static inline bool lc_backend_begin(struct lc_backend *backend,
				    enum lc_phase phase)
{
	if (!lc_backend_get(backend))
		return false;
	if (likely(phase == LC_ACTIVE))
		atomic_inc(&backend->active);
	else if (phase == LC_INACTIVE)
		atomic_inc(&backend->inactive);
	atomic64_inc(&backend->total);
	return true;
}

int lc_backends_init(struct lc_backends *backends);
void lc_backends_exit(struct lc_backends *backends);

struct lc_backend *lc_backend_find(struct lc_backends *backends,
				   const struct lc_backend_key *key);
struct lc_address *lc_address_find(struct lc_backends *backends,
				   const struct lc_backend_key *key);
void lc_backend_put(struct lc_backend *backend);
void lc_backend_count(struct lc_backend *backend, enum lc_phase from,
		      enum lc_phase to);
void lc_backend_miss(struct lc_backend *backend);
void lc_backends_age(struct lc_backends *backends);
void lc_backends_forget(struct lc_backends *backends);

struct lc_backend *lc_backend_use(struct lc_backends *backends,
				  const struct lc_backend_key *key);
void lc_backend_leave(struct lc_backends *backends,
		      struct lc_backend *backend);
void lc_backend_set_state(struct lc_backends *backends,
			  struct lc_backend *backend, u8 state);

#endif /* LC_BACKEND_H */

