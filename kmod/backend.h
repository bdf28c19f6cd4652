/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_BACKEND_H
#define LC_BACKEND_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>

#include <linux/leastconn.h>

#include "evidence.h"
#include "reach.h"
#include "select.h"

struct lc_healer;
struct lc_step;

/**
 * enum lc_phase - the part of its life that a connection is in
 * @LC_ACTIVE: it is a load of its backend
 * @LC_INACTIVE: TCP, closed by both sides or reset; its conntrack entry remains
 * @LC_ENDED: its conntrack entry has gone; it is not counted
 * @LC_HALF_OPEN: TCP, whose handshake takes long: a load, but not one that a limit counts
 */
enum lc_phase {
	LC_ACTIVE,
	LC_INACTIVE,
	LC_ENDED,
	LC_HALF_OPEN,
};

/**
 * lc_phase_is_active() - is a connection a load of its backend?
 * @phase: its phase
 *
 * Return: true if it is.
 */
static inline bool lc_phase_is_active(enum lc_phase phase)
{
	return phase == LC_ACTIVE || phase == LC_HALF_OPEN;
}

/**
 * enum lc_purge - the conntrack entries of a backend that are to be deleted
 * @LC_PURGE_NONE: none
 * @LC_PURGE_CLOSED: those of reset TCP connections, which would translate the next
 *	connection from the same port to the same backend
 * @LC_PURGE_UNANSWERED: these, and those that the backend has not answered
 * @LC_PURGE_ALL: all
 */
enum lc_purge {
	LC_PURGE_NONE,
	LC_PURGE_CLOSED,
	LC_PURGE_UNANSWERED,
	LC_PURGE_ALL,
};

/**
 * enum lc_suspicion - does a pool wait for answers of a backend?
 * @LC_NOT_SUSPECTED: no: answers change nothing
 * @LC_SUSPECTED: answers count, but are not urgent
 * @LC_AWAITED: an answer changes something, for example ends a trial
 */
enum lc_suspicion {
	LC_NOT_SUSPECTED,
	LC_SUSPECTED,
	LC_AWAITED,
};

/**
 * struct lc_backend_key - the identity of a backend
 * @addr: its address; unused bytes are zero
 * @port: its port; 0: the backend is the whole address
 * @proto: layer-4 protocol; 0 if @port is 0: any protocol
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
struct lc_backend_key {
	union nf_inet_addr	addr;
	__be16			port;
	u8			proto;
	u8			family;
};

/**
 * struct lc_address - the backends that have one address
 * @node: in lc_backends.addresses, until @backends is empty
 * @key: the address and its family; port and protocol are 0
 * @backends: in the order they appeared; lc_backends.lock
 */
struct lc_address {
	struct rhash_head	node;
	struct lc_backend_key	key;
	struct list_head	backends;
};

/**
 * lc_backend_key_equal() - are two keys equal?
 * @a: a key
 * @b: another key
 *
 * Return: true if they are.
 */
static inline bool lc_backend_key_equal(const struct lc_backend_key *a,
					const struct lc_backend_key *b)
{
	return nf_inet_addr_cmp(&a->addr, &b->addr) && a->port == b->port &&
	       a->proto == b->proto && a->family == b->family;
}

/**
 * struct lc_backend - a server, shared by all pools of a namespace that list it
 *
 * Identity and lifetime:
 * @node: in lc_backends.table, until the last user is put
 * @key: constant
 * @home: the namespace's backends; constant
 * @list: in lc_backends.list
 * @number: lc_backends.generation when it appeared: ascending in that list
 * @address: the backends of the same address
 * @siblings: in lc_address.backends
 * @users: pools that list it, changes in progress, and a @state other than ready
 * @gone: the last user has been put: no connection begins. Read without the lock
 * @ref: keeps the memory: one for all users together, one for each record, and one for
 *	lc_healer.queue and for lc_backends.missed or .stale each
 * @rcu: frees the memory after the last reader
 *
 * Counts, atomic:
 * @conns: the load: recorded connections that are active, @missed, @stale and @pending.
 *	Exempt from limits: those in phase LC_HALF_OPEN, and @pending
 * @inactive: recorded connections in phase LC_INACTIVE
 * @total: connections ever recorded
 * @missed: connections that could not be recorded since the last scan began
 * @stale: those that could not be recorded before that; the scanner's alone
 * @is_missed: not 0: in lc_backends.missed or .stale; atomic
 * @missed_node: there; holds a reference
 * @pending: pending choices that count: see pending.c
 * @outdated: not 0: its load has fallen, and its schedulers are to be updated; atomic
 *
 * Health:
 * @fails: connections that ever failed; atomic
 * @failed: those that count, and have not been judged yet; atomic
 * @answered: answered ones that have not been judged yet; atomic
 * @streak: connections that have failed since one was answered, whether they count or
 *	not; atomic
 * @suspected: &enum lc_suspicion; atomic
 * @queued: not 0: in lc_healer.queue; atomic
 * @queue: in lc_healer.queue
 * @n_watching: pools that judge it. Read without the lock
 * @fail_timeout: the longest of theirs, in jiffies, or longer. Read without the lock
 * @revived: low bits of jiffies, when a command made it ready last; without a lock
 * @evidence_lock: protects @evidence and @reach
 * @evidence: which clients it has answered and failed
 * @reach: whether this host drops the packets for it
 * @answered_when: low bits of jiffies, when it answered a choice last, at the earliest;
 *	written under @evidence_lock
 * @looked: the look that has last judged @reach
 * @summed: the comparison that has last added @reach
 * @paced: @streak was long when it was judged last
 * @shortened: the longest fail timeout may be shorter than @fail_timeout by now. Read
 *	without the lock
 * @reason: &enum leastconn_reason of the last failed one; without a lock
 *
 * Administration:
 * @state: &enum leastconn_state. Read without the lock
 * @since: jiffies from when on it takes connections
 * @notified_drained: listeners know that it is drained
 * @unready: in lc_backends.unready while @state is not ready
 * @purge: &enum lc_purge. Read without the lock
 * @step: the step of the changes in progress that is about it, or NULL
 *
 * Schedulers:
 * @sched_dests: its places in the schedulers of pools, which must know when @active
 *	falls; readers under RCU
 * @n_sched_dests: how many
 *
 * lc_backends.lock protects what says nothing else.
 */
struct lc_backend {
	struct rhash_head	node;
	struct lc_backend_key	key;
	struct lc_backends	*home;
	struct lc_conns		conns;
	atomic_t		inactive;
	atomic64_t		total;
	atomic_t		missed;
	unsigned int		stale;
	atomic_t		is_missed;
	struct llist_node	missed_node;
	atomic_t		pending;
	atomic_t		outdated;

	atomic_t		failed;
	atomic_t		fails;
	atomic_t		answered;
	atomic_t		streak;
	atomic_t		suspected;
	atomic_t		queued;
	struct llist_node	queue;
	unsigned int		n_watching;
	u32			fail_timeout;
	u32			revived;
	spinlock_t		evidence_lock;	/* evidence, reach */
	struct lc_evidence	evidence;
	struct lc_reach		reach;
	u32			answered_when;
	u32			looked;
	u32			summed;

	u64			since;
	refcount_t		ref;
	unsigned int		users;
	bool			paced;
	bool			shortened;
	u8			reason;
	bool			gone;
	u8			state;
	u8			purge;
	bool			notified_drained;
	struct list_head	list;
	unsigned int		number;
	struct lc_address	*address;
	struct list_head	siblings;
	struct lc_step		*step;
	struct list_head	unready;
	struct hlist_head	sched_dests;
	unsigned int		n_sched_dests;
	struct rcu_head		rcu;
};

/**
 * struct lc_dests - the backends that count a connection
 * @exact: the backend with the connection's address, port and protocol, or NULL
 * @any_port: the backend that is the connection's whole address, or NULL
 */
struct lc_dests {
	struct lc_backend	*exact;
	struct lc_backend	*any_port;
};

/* The parts of a request that are given. Higher bits: see change.h. */
#define LC_GIVEN_FAMILY		BIT(0)
#define LC_GIVEN_ADDRESS	BIT(1)
#define LC_GIVEN_PORT		BIT(2)
#define LC_GIVEN_PROTO		BIT(3)

/**
 * lc_backend_matches() - does a backend have these parts of a key?
 * @backend: the backend
 * @key: a key
 * @given: the parts of @key to compare
 *
 * Context: any.
 * Return: true if it has.
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
 * lc_backend_get() - get a reference to a backend found under RCU
 * @backend: the backend
 *
 * Context: any.
 * Return: false if the backend has no users any more.
 */
static inline bool lc_backend_get(struct lc_backend *backend)
{
	return !READ_ONCE(backend->gone) &&
	       refcount_inc_not_zero(&backend->ref);
}

/* The caller has a reference, and needs another one. */
static inline void lc_backend_hold(struct lc_backend *backend)
{
	refcount_inc(&backend->ref);
}

/**
 * struct lc_backends - the backends of a network namespace
 * @lock: protects all of this, and the members of backends that name it
 * @reader: one reader of /proc at a time; taken before @lock, which commands must not
 *	wait long for
 * @table: by key; readers under RCU
 * @addresses: by address
 * @list: in the order they appeared
 * @n_any_port: backends that are a whole address. Read without the lock
 * @generation: how many backends ever appeared. Read without the lock
 * @count: how many there are
 * @n_suspected: how many of them are suspected; atomic
 * @n_unready: how many of IPv4, of IPv6, are not ready. Read without the lock
 * @unready: these; the one that was checked longest ago comes first
 * @to_check: how many of them are to be checked: they may be drained by now. Read
 *	without the lock
 * @missed: backends with connections that could not be recorded
 * @stale: those that were in @missed when the last scan began
 * @healer: the namespace's; for the choices that a processor has made
 * @closed: the namespace has ended, and @table with it
 */
struct lc_backends {
	struct mutex		lock;	/* see above */
	struct mutex		reader;	/* serializes /proc */
	struct rhashtable	table;
	struct rhashtable	addresses;
	struct list_head	list;
	unsigned int		n_any_port;
	unsigned int		generation;
	unsigned int		count;
	atomic_t		n_suspected;
	unsigned int		n_unready[2];
	struct list_head	unready;
	unsigned int		to_check;
	struct llist_head	missed;
	struct llist_node	*stale;
	struct lc_healer	*healer;
	bool			closed;
};

/** LC_SPAN - jiffies of a span, see lc_reach */
#define LC_SPAN		(2 * HZ)

/**
 * lc_span_of() - the span of a time
 * @when: low bits of jiffies, not later than now
 *
 * Context: any.
 * Return: the span.
 */
static inline u32 lc_span_of(u32 when)
{
	u64 now = get_jiffies_64();

	return div_u64(now - ((u32)now - when), LC_SPAN);
}

/**
 * lc_backend_count_new() - count a new connection, and get a reference
 * @backend: the backend, found under RCU
 * @phase: the phase of the connection
 *
 * Context: any.
 * Return: false if the backend has no users any more; then nothing is counted.
 */
static inline bool lc_backend_count_new(struct lc_backend *backend,
					enum lc_phase phase)
{
	if (!lc_backend_get(backend))
		return false;
	if (likely(phase == LC_ACTIVE))
		atomic_inc(&backend->conns.active);
	else if (phase == LC_INACTIVE)
		atomic_inc(&backend->inactive);
	atomic64_inc(&backend->total);
	return true;
}

/**
 * lc_backend_active() - count the active connections of a backend
 * @backend: the backend
 *
 * Context: any.
 * Return: how many conntrack has; below zero for a moment while updates race.
 */
static inline int lc_backend_active(const struct lc_backend *backend)
{
	return atomic_read(&backend->conns.active) -
	       atomic_read(&backend->pending);
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
void lc_backend_count_ended(struct lc_backend *backend, enum lc_phase from);
void lc_backend_update_dests(struct lc_backend *backend);
void lc_backend_count_pending(struct lc_backend *backend, bool holds, int more);
void lc_backend_arrived(struct lc_backend *backend, u32 when, bool free);
void lc_backend_forget_dropped(struct lc_backend *backend);
void lc_backend_count_missed(struct lc_backends *backends,
			     struct lc_backend *backend);
void lc_backends_stash_missed(struct lc_backends *backends);
void lc_backend_drop_stale(struct lc_backend *backend);
struct lc_backend *lc_backends_drop_next_stale(struct lc_backends *backends);

struct lc_backend *lc_backend_user_get(struct lc_backends *backends,
				       const struct lc_backend_key *key);
void lc_backend_user_put(struct lc_backends *backends,
			 struct lc_backend *backend);
void lc_backend_suspect(struct lc_backends *backends,
			struct lc_backend *backend,
			enum lc_suspicion suspected);
void lc_backend_set_state(struct lc_backends *backends,
			  struct lc_backend *backend, u8 state);

#endif /* LC_BACKEND_H */
