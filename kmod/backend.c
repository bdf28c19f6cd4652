// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backends: their lifetime, their state, and their counts.
 *
 * All pools of a namespace that list a backend share it. So they see the same load, and
 * the load is kept while rules are replaced. A backend has users and references. Users
 * are pools that list it, changes in progress and a state other than ready: as long as
 * it has one, it is in the table. References keep its memory: each record has one, the
 * lists of missed backends and the healer's queue have one each, and all users together
 * have one. When the last user is put, the backend is removed from
 * the table. Its memory is freed with the last reference.
 */
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "addr.h"
#include "backend.h"
#include "hint.h"
#include "mem.h"
#include "sched.h"

static u32 backend_key_hash(const void *data, u32 len, u32 seed)
{
	const struct lc_backend_key *key = data;
	u32 service = (__force u32)key->port << 16 | key->proto;
	u32 words[5];

	if (key->family == NFPROTO_IPV4)
		return jhash_2words((__force u32)key->addr.ip, service, seed);
	/* Added to the seed, it could cancel out words of the address, whatever the seed. */
	memcpy(words, key->addr.all, sizeof(key->addr.all));
	words[4] = service;
	return jhash2(words, ARRAY_SIZE(words), seed);
}

static int backend_key_cmp(struct rhashtable_compare_arg *arg,
			   const void *object)
{
	const struct lc_backend *backend = object;

	return !lc_backend_key_equal(arg->key, &backend->key);
}

static const struct rhashtable_params backend_params = {
	.key_len		= sizeof(struct lc_backend_key),
	.key_offset		= offsetof(struct lc_backend, key),
	.head_offset		= offsetof(struct lc_backend, node),
	.hashfn			= backend_key_hash,
	.obj_cmpfn		= backend_key_cmp,
	.min_size		= 16,
};

static int address_key_cmp(struct rhashtable_compare_arg *arg,
			   const void *object)
{
	const struct lc_address *address = object;

	return !lc_backend_key_equal(arg->key, &address->key);
}

static const struct rhashtable_params address_params = {
	.key_len		= sizeof(struct lc_backend_key),
	.key_offset		= offsetof(struct lc_address, key),
	.head_offset		= offsetof(struct lc_address, node),
	.hashfn			= backend_key_hash,
	.obj_cmpfn		= address_key_cmp,
	.min_size		= 16,
};

/*
 * A table that grows or shrinks is copied at the host's expense, and its memory is not
 * charged. So it shrinks when little of it is used: a tenant has to add and delete as many
 * backends as are copied.
 */
#define LC_SPARSE	16U	/* places for each element */
#define LC_SMALL_TABLE	1024U	/* places; does not shrink */

static void table_shrink_if_sparse(struct rhashtable *table)
{
	unsigned int size;
	bool shrinks;

	rcu_read_lock();
	size = rht_dereference_rcu(table->tbl, table)->size;
	rcu_read_unlock();
	shrinks = size > LC_SMALL_TABLE && size / LC_SPARSE > atomic_read(&table->nelems);
	/* For the work, which would shrink a table earlier. */
	WRITE_ONCE(table->p.automatic_shrinking, shrinks);
	if (shrinks)
		schedule_work(&table->run_work);
}

/**
 * lc_backends_init() - set up a namespace's backends
 * @backends: zeroed memory
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int lc_backends_init(struct lc_backends *backends)
{
	int err;

	mutex_init(&backends->lock);
	mutex_init(&backends->reader);
	init_llist_head(&backends->missed);
	INIT_LIST_HEAD(&backends->list);
	INIT_LIST_HEAD(&backends->unready);
	err = rhashtable_init(&backends->table, &backend_params);
	if (err)
		return err;
	err = rhashtable_init(&backends->addresses, &address_params);
	if (err)
		rhashtable_destroy(&backends->table);
	return err;
}

/**
 * lc_address_find() - find the backends of an address
 * @backends: the namespace's; locked
 * @key: the address and its family; port and protocol are ignored
 *
 * Return: the address, which has at least one backend, or NULL.
 */
struct lc_address *lc_address_find(struct lc_backends *backends,
				   const struct lc_backend_key *key)
{
	const struct lc_backend_key wanted = {
		.addr	= key->addr,
		.family	= key->family,
	};

	lockdep_assert_held(&backends->lock);

	return rhashtable_lookup_fast(&backends->addresses, &wanted,
				      address_params);
}

/* Return: 0 or a negative errno. */
static int address_add(struct lc_backends *backends, struct lc_backend *backend)
{
	struct lc_address *address = lc_address_find(backends, &backend->key);
	int err;

	if (!address) {
		address = kzalloc(sizeof(*address), lc_mem_gfp());
		if (!address)
			return -ENOMEM;
		address->key.addr = backend->key.addr;
		address->key.family = backend->key.family;
		INIT_LIST_HEAD(&address->backends);
		err = rhashtable_insert_fast(&backends->addresses,
					     &address->node, address_params);
		if (err) {
			kfree(address);
			return err;
		}
	}
	backend->address = address;
	list_add_tail(&backend->siblings, &address->backends);
	return 0;
}

static void address_del(struct lc_backends *backends,
			struct lc_backend *backend)
{
	struct lc_address *address = backend->address;

	list_del(&backend->siblings);
	if (!list_empty(&address->backends))
		return;
	rhashtable_remove_fast(&backends->addresses, &address->node,
			       address_params);
	table_shrink_if_sparse(&backends->addresses);
	kfree(address);
}

/* From now on lookups and dumps do not find @backend, and no record can be added. */
static void backend_unlink(struct lc_backends *backends,
			   struct lc_backend *backend)
{
	lockdep_assert_held(&backends->lock);

	WRITE_ONCE(backend->gone, true);
	if (!backend->key.port)
		WRITE_ONCE(backends->n_any_port, backends->n_any_port - 1);
	list_del(&backend->list);
	address_del(backends, backend);
	list_del_init(&backend->unready);
	backends->count--;
	rhashtable_remove_fast(&backends->table, &backend->node,
			       backend_params);
	table_shrink_if_sparse(&backends->table);
}

/**
 * lc_backend_put() - put a reference to a backend
 * @backend: the backend
 *
 * Context: any.
 */
void lc_backend_put(struct lc_backend *backend)
{
	if (!refcount_dec_and_test(&backend->ref))
		return;
	lc_mem_count_free();
	kfree_rcu(backend, rcu);
}

static void backend_set_suspected(struct lc_backends *backends,
				  struct lc_backend *backend,
				  enum lc_suspicion suspected)
{
	bool was = atomic_xchg(&backend->suspected, suspected);

	if (suspected && !was)
		atomic_inc(&backends->n_suspected);
	else if (!suspected && was)
		atomic_dec(&backends->n_suspected);
}

/**
 * lc_backend_suspect() - set whether a pool waits for answers of a backend
 * @backends: the namespace's
 * @backend: the backend
 * @suspected: as it is to be
 *
 * Context: any.
 */
void lc_backend_suspect(struct lc_backends *backends, struct lc_backend *backend,
			enum lc_suspicion suspected)
{
	backend_set_suspected(backends, backend, suspected);
	/* A packet may come too late. Both sides use atomic_xchg() in between. */
	if (suspected && READ_ONCE(backend->gone))
		backend_set_suspected(backends, backend, LC_NOT_SUSPECTED);
}

/**
 * lc_backend_user_put() - undo lc_backend_user_get()
 * @backends: the namespace's, which may have ended; locked
 * @backend: the backend
 *
 * After the last user only references point to the backend: lookups do not find it, and
 * it is cleared from the hints of all processors.
 *
 * Context: may sleep.
 */
void lc_backend_user_put(struct lc_backends *backends, struct lc_backend *backend)
{
	lockdep_assert_held(&backends->lock);

	if (--backend->users)
		return;
	/* lc_backends_exit() unlinks backends of rules that outlive the namespace. */
	if (!backend->gone)
		backend_unlink(backends, backend);
	WARN_ON_ONCE(!hlist_empty(&backend->sched_dests));
	lc_backend_suspect(backends, backend, LC_NOT_SUSPECTED);
	lc_hint_forget(backend);
	lc_backend_put(backend);
}

static void backends_put_missed(struct llist_node *missed)
{
	struct lc_backend *backend, *next;

	llist_for_each_entry_safe(backend, next, missed, missed_node)
		lc_backend_put(backend);
}

static bool belongs_to(const struct lc_backend *backend, const void *home)
{
	return backend->home == home;
}

/**
 * lc_backends_exit() - the namespace ends
 * @backends: the namespace's
 *
 * Rules may remain. They keep the memory of their backends.
 *
 * Context: may sleep; no packet and no scan uses the backends any more.
 */
void lc_backends_exit(struct lc_backends *backends)
{
	struct lc_backend *backend, *next;

	mutex_lock(&backends->lock);
	list_for_each_entry_safe(backend, next, &backends->list, list) {
		backend_unlink(backends, backend);
		if (backend->state != LEASTCONN_STATE_READY)
			lc_backend_user_put(backends, backend);
		cond_resched();
	}
	backends->closed = true;
	mutex_unlock(&backends->lock);
	/*
	 * Rules that remain keep their backends, but not what these refer to. Packets of
	 * other namespaces that have read a hint end in the grace period of conntrack's
	 * exit, which follows.
	 */
	lc_hint_forget_if(belongs_to, backends);
	backends_put_missed(llist_del_all(&backends->missed));
	backends_put_missed(backends->stale);
	rhashtable_destroy(&backends->addresses);
	rhashtable_destroy(&backends->table);
}

/**
 * lc_backend_find() - find a backend
 * @backends: the namespace's
 * @key: its key
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend, valid until the read section ends, or NULL.
 */
struct lc_backend *lc_backend_find(struct lc_backends *backends,
				   const struct lc_backend_key *key)
{
	return rhashtable_lookup(&backends->table, key, backend_params);
}

static void backend_add(struct lc_backend *backend, enum lc_phase phase, int more)
{
	switch (phase) {
	case LC_HALF_OPEN:
		atomic_add(more, &backend->conns.exempt);
		fallthrough;
	case LC_ACTIVE:
		atomic_add(more, &backend->conns.active);
		break;
	case LC_INACTIVE:
		atomic_add(more, &backend->inactive);
		break;
	case LC_ENDED:
		break;
	}
}

/**
 * lc_backend_update_dests() - tell the schedulers that the load of a backend has fallen
 * @backend: the backend
 *
 * They do not see it by themselves: they would ignore the backend until they read its
 * load again.
 *
 * Context: any, under rcu_read_lock(). What it takes grows with the pools that have the
 *	backend.
 */
void lc_backend_update_dests(struct lc_backend *backend)
{
	struct lc_sched_dest *dest;

	hlist_for_each_entry_rcu(dest, &backend->sched_dests, node)
		lc_sched_dest_update(dest);
}

/**
 * lc_backend_count() - count a connection in another phase
 * @backend: the backend; the record of the connection has a reference
 * @from: the phase in which it was counted
 * @to: the phase in which it is counted from now on
 *
 * Context: any, under rcu_read_lock(); the record's lock serializes the calls for one
 *	connection.
 */
void lc_backend_count(struct lc_backend *backend, enum lc_phase from,
		      enum lc_phase to)
{
	if (from == to)
		return;
	backend_add(backend, to, 1);
	backend_add(backend, from, -1);
	if (lc_phase_is_active(from))
		lc_backend_update_dests(backend);
}

/**
 * lc_backend_count_ended() - stop counting a connection, without updating schedulers
 * @backend: as for lc_backend_count()
 * @from: as for lc_backend_count()
 *
 * What this takes does not grow with the pools. The schedulers are to be updated later:
 * see lc_report_outdated().
 *
 * Context: as lc_backend_count().
 */
void lc_backend_count_ended(struct lc_backend *backend, enum lc_phase from)
{
	backend_add(backend, from, -1);
}

/**
 * lc_backend_count_pending() - count a pending choice, or stop counting it
 * @backend: the backend; the caller has a reference
 * @holds: it takes the place of a trial; the same both times
 * @more: 1, or -1: then lc_backend_update_dests() must be called
 *
 * It is a load that no limit counts, but for that of a trial.
 *
 * Context: any.
 */
void lc_backend_count_pending(struct lc_backend *backend, bool holds, int more)
{
	/*
	 * In this order lc_backend_active() is never too low while a choice ends. It may be
	 * while one begins, but a backend that is drained gets none.
	 */
	if (more > 0)
		backend_add(backend, LC_HALF_OPEN, more);
	atomic_add(more, &backend->pending);
	if (holds)
		atomic_add(more, &backend->conns.held);
	if (more < 0)
		backend_add(backend, LC_HALF_OPEN, more);
}

/**
 * lc_backend_arrived() - the packet of a pending choice was only held
 * @backend: the backend that was chosen
 * @when: low bits of jiffies, when it seemed to be dropped
 * @free: the choice was free
 *
 * Context: any.
 */
void lc_backend_arrived(struct lc_backend *backend, u32 when, bool free)
{
	u32 span = lc_span_of(when);

	spin_lock_bh(&backend->evidence_lock);
	lc_reach_arrived(&backend->reach, span, free);
	spin_unlock_bh(&backend->evidence_lock);
}

/**
 * lc_backend_forget_dropped() - dropped choices until now tell nothing any more
 * @backend: the backend
 *
 * Context: any.
 */
void lc_backend_forget_dropped(struct lc_backend *backend)
{
	spin_lock_bh(&backend->evidence_lock);
	lc_reach_forget(&backend->reach);
	spin_unlock_bh(&backend->evidence_lock);
}

static void backend_queue_missed(struct lc_backends *backends,
				 struct lc_backend *backend)
{
	if (!atomic_xchg(&backend->is_missed, 1) && lc_backend_get(backend))
		llist_add(&backend->missed_node, &backends->missed);
}

/**
 * lc_backend_count_missed() - count a connection that cannot be recorded
 * @backends: the namespace's
 * @backend: the backend
 *
 * So the choice is fair even if there is no memory for records. The end of the
 * connection is not seen: it is counted until lc_backends_drop_next_stale().
 *
 * Context: any, under rcu_read_lock().
 */
void lc_backend_count_missed(struct lc_backends *backends,
			     struct lc_backend *backend)
{
	atomic_inc(&backend->conns.active);
	atomic_inc(&backend->missed);
	/* Count before queueing: pairs with lc_backends_drop_next_stale(). */
	smp_mb__after_atomic();
	backend_queue_missed(backends, backend);
}

/**
 * lc_backends_stash_missed() - a scan begins: it will find the missed connections
 * @backends: the namespace's, locked; there are no stale backends
 *
 * Context: process.
 */
void lc_backends_stash_missed(struct lc_backends *backends)
{
	struct lc_backend *backend;

	lockdep_assert_held(&backends->lock);

	backends->stale = llist_del_all(&backends->missed);
	llist_for_each_entry(backend, backends->stale, missed_node)
		backend->stale = atomic_xchg(&backend->missed, 0);
}

/**
 * lc_backend_drop_stale() - no longer count a stale connection: it is counted anew
 * @backend: its backend
 *
 * Context: the scanner.
 */
void lc_backend_drop_stale(struct lc_backend *backend)
{
	if (!backend->stale)
		return;
	backend->stale--;
	atomic_dec(&backend->conns.active);
}

/**
 * lc_backends_drop_next_stale() - the scan has ended: no longer count stale connections
 * @backends: the namespace's, locked
 *
 * A connection that was missed before the scan now has a record, was missed again, or
 * has ended. The backend's schedulers are to be updated: see lc_report_outdated().
 *
 * Context: process.
 * Return: the backend whose connections are no longer counted, with a reference; NULL: no
 *	backend is stale.
 */
struct lc_backend *lc_backends_drop_next_stale(struct lc_backends *backends)
{
	struct lc_backend *backend;

	lockdep_assert_held(&backends->lock);

	if (!backends->stale)
		return NULL;
	backend = llist_entry(backends->stale, struct lc_backend, missed_node);
	backends->stale = backends->stale->next;
	atomic_sub(backend->stale, &backend->conns.active);
	backend->stale = 0;
	/* A full barrier: pairs with lc_backend_count_missed(). */
	atomic_xchg(&backend->is_missed, 0);
	if (atomic_read(&backend->missed))
		backend_queue_missed(backends, backend);
	return backend;
}

static struct lc_backend *backend_alloc(struct lc_backends *home,
					const struct lc_backend_key *key)
{
	struct lc_backend *backend;

	/* A larger one would take 1 KB. Some kernels' locks are larger. */
	BUILD_BUG_ON(sizeof(*backend) > 512 && sizeof(spinlock_t) == 4);

	backend = kzalloc(sizeof(*backend), lc_mem_gfp());
	if (!backend)
		return NULL;
	lc_mem_count_alloc();
	backend->key = *key;
	backend->home = home;
	backend->users = 1;
	backend->since = get_jiffies_64();
	backend->revived = (u32)jiffies - 60 * HZ;	/* long ago */
	backend->answered_when = backend->revived;
	INIT_LIST_HEAD(&backend->unready);
	spin_lock_init(&backend->evidence_lock);
	refcount_set(&backend->ref, 1);
	return backend;
}

static struct lc_backend *backend_create(struct lc_backends *backends,
					 const struct lc_backend_key *key)
{
	struct lc_backend *backend;
	int err;

	lockdep_assert_held(&backends->lock);

	backend = backend_alloc(backends, key);
	if (!backend)
		return ERR_PTR(-ENOMEM);
	err = address_add(backends, backend);
	if (err)
		goto free_backend;
	err = rhashtable_insert_fast(&backends->table, &backend->node,
				     backend_params);
	if (err)
		goto del_address;
	list_add_tail(&backend->list, &backends->list);
	backends->count++;
	if (!key->port)
		WRITE_ONCE(backends->n_any_port, backends->n_any_port + 1);
	backend->number = backends->generation + 1;
	WRITE_ONCE(backends->generation, backend->number);
	return backend;

del_address:
	address_del(backends, backend);
free_backend:
	lc_mem_count_free();
	kfree(backend);
	return ERR_PTR(err);
}

/**
 * lc_backend_user_get() - get a user of a backend
 * @backends: the namespace's; locked
 * @key: the key of the backend
 *
 * The first user creates the backend.
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the backend, which the caller puts by lc_backend_user_put(), or ERR_PTR().
 */
struct lc_backend *lc_backend_user_get(struct lc_backends *backends,
				       const struct lc_backend_key *key)
{
	struct lc_backend *backend;

	lockdep_assert_held(&backends->lock);

	if (backends->closed)
		return ERR_PTR(-ENOENT);
	backend = rhashtable_lookup_fast(&backends->table, key,
					 backend_params);
	if (!backend)
		return backend_create(backends, key);
	backend->users++;
	return backend;
}

/**
 * lc_backend_set_state() - set the administrative state of a backend
 * @backends: the namespace's; locked
 * @backend: the backend; the caller is a user of it
 * @state: &enum leastconn_state
 *
 * A state other than ready is a user itself, so that it remains while no pool lists the
 * backend.
 *
 * Context: may sleep.
 */
void lc_backend_set_state(struct lc_backends *backends,
			  struct lc_backend *backend, u8 state)
{
	const int more = (state != LEASTCONN_STATE_READY) -
			 (backend->state != LEASTCONN_STATE_READY);

	lockdep_assert_held(&backends->lock);

	backends->n_unready[lc_family_index(backend->key.family)] += more;
	if (more > 0)
		list_add_tail(&backend->unready, &backends->unready);
	else if (more < 0)
		list_del_init(&backend->unready);
	if (more < 0)
		backend->since = get_jiffies_64();
	WRITE_ONCE(backend->state, state);
	backend->notified_drained = false;
	if (more > 0)
		backend->users++;
	else if (more < 0)
		lc_backend_user_put(backends, backend);
}
