/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_POOL_H
#define LC_POOL_H

#include <linux/atomic.h>
#include <linux/in.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>

#include "select.h"

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
 * @ref: keeps the memory: one for all users together, one a record
 * @users: pools that list it; lc_backends.lock
 * @gone: the last user has left: count nothing new; written under
 *	lc_backends.lock, read anywhere
 * @list: in lc_backends.list; lc_backends.lock
 * @seats: in pools, which want to know when @active becomes less; readers
 *	under RCU, written under lc_backends.lock
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
	refcount_t		ref;
	unsigned int		users;
	bool			gone;
	struct list_head	list;
	struct hlist_head	seats;
	struct rcu_head		rcu;
};

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
 * @list: in the order they appeared
 * @wide: how many stand for a whole address; written under @lock
 * @created: how many ever appeared; written under @lock
 * @closed: the namespace is gone, @table with it; @lock
 */
struct lc_backends {
	struct mutex		lock;	/* table, list, users, seats */
	struct rhashtable	table;
	struct list_head	list;
	unsigned int		wide;
	unsigned int		created;
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
void lc_backend_put(struct lc_backend *backend);
void lc_backend_count(struct lc_backend *backend, enum lc_phase from,
		      enum lc_phase to);
void lc_backend_miss(struct lc_backend *backend);
void lc_backends_age(struct lc_backends *backends);
void lc_backends_forget(struct lc_backends *backends);

/**
 * struct lc_member - what a pool wants of one backend
 * @key: the backend
 * @max_conns: its cap, 0: none
 * @weight: its share, 0 to 65535
 * @backup: only when no ordinary backend can take the connection
 */
struct lc_member {
	struct lc_backend_key	key;
	u32			max_conns;
	u16			weight;
	bool			backup;
};

struct lc_pool;

struct lc_pool *lc_pool_alloc(struct lc_backends *backends, unsigned int size);
void lc_pool_free(struct lc_pool *pool);
int lc_pool_add(struct lc_pool *pool, const struct lc_member *member);
const struct lc_backend_key *lc_pool_choose(struct lc_pool *pool);

#endif /* LC_POOL_H */
