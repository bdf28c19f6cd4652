// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backends and pools: their lifetime, and the counts.
 *
 * A backend is found by its key and shared by all pools of its namespace, so
 * that they see one load and keep it while rules come and go. Two things keep
 * it: users (the pools that list it), which decide whether it is known, and
 * references (records, and the users together), which keep its memory. With
 * its last user it leaves the table at once; its memory goes with the last
 * record that counted on it.
 */
#include <linux/err.h>
#include <linux/in.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "compat.h"
#include "pool.h"

static const struct rhashtable_params backend_params = {
	.key_len		= sizeof(struct lc_backend_key),
	.key_offset		= offsetof(struct lc_backend, key),
	.head_offset		= offsetof(struct lc_backend, node),
	.min_size		= 16,
	.automatic_shrinking	= true,
};

/**
 * struct lc_pool - backends a rule chooses among
 * @backends: the namespace's
 * @cursor: where the next tie is first looked for; a race loses a turn only
 * @count: slots in use
 * @size: slots there are
 * @members: the backend of each slot, a user of it
 * @slots: what selection reads
 */
struct lc_pool {
	struct lc_backends	*backends;
	unsigned int		cursor;
	unsigned int		count;
	unsigned int		size;
	struct lc_backend	**members;
	struct lc_slot		slots[];
};

/**
 * lc_proto_has_ports() - can a backend of this protocol have a port?
 * @proto: layer-4 protocol
 *
 * Context: any.
 * Return: whether it can.
 */
bool lc_proto_has_ports(u8 proto)
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
 * lc_backends_init() - make a namespace ready for backends
 * @backends: zeroed memory
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int lc_backends_init(struct lc_backends *backends)
{
	mutex_init(&backends->lock);
	INIT_LIST_HEAD(&backends->list);
	return rhashtable_init(&backends->table, &backend_params);
}

/* The table forgets @backend; whoever holds it keeps it. */
static void backend_unlink(struct lc_backends *backends,
			   struct lc_backend *backend)
{
	lockdep_assert_held(&backends->lock);

	WRITE_ONCE(backend->gone, true);
	if (!backend->key.port)
		WRITE_ONCE(backends->wide, backends->wide - 1);
	list_del(&backend->list);
	rhashtable_remove_fast(&backends->table, &backend->node,
			       backend_params);
}

/**
 * lc_backends_exit() - the namespace goes
 * @backends: the namespace's
 *
 * Rules may still stand: what they hold stays until they let go of it.
 *
 * Context: may sleep; no reader of the table is left.
 */
void lc_backends_exit(struct lc_backends *backends)
{
	struct lc_backend *backend, *next;

	mutex_lock(&backends->lock);
	list_for_each_entry_safe(backend, next, &backends->list, list)
		backend_unlink(backends, backend);
	backends->closed = true;
	mutex_unlock(&backends->lock);
	rhashtable_destroy(&backends->table);
}

/**
 * lc_backend_find() - the backend with this key
 * @backends: the namespace's
 * @key: what to look for
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend, alive until the read section ends, or NULL.
 */
struct lc_backend *lc_backend_find(struct lc_backends *backends,
				   const struct lc_backend_key *key)
{
	return rhashtable_lookup(&backends->table, key, backend_params);
}

/**
 * lc_backend_get() - hold a backend found under RCU
 * @backend: the backend
 *
 * Context: any.
 * Return: false when it is going and must not be counted on.
 */
bool lc_backend_get(struct lc_backend *backend)
{
	return !READ_ONCE(backend->gone) &&
	       refcount_inc_not_zero(&backend->ref);
}

/**
 * lc_backend_put() - let go of a backend
 * @backend: the backend
 *
 * Context: any.
 */
void lc_backend_put(struct lc_backend *backend)
{
	if (refcount_dec_and_test(&backend->ref))
		kfree_rcu(backend, rcu);
}

static atomic_t *phase_counter(struct lc_backend *backend, enum lc_phase phase)
{
	switch (phase) {
	case LC_ACTIVE:
		return &backend->active;
	case LC_INACTIVE:
		return &backend->inactive;
	case LC_ENDED:
		break;
	}
	return NULL;
}

/**
 * lc_backend_count() - a connection goes from one phase to another
 * @backend: its backend, held by the connection's record
 * @from: phase it was counted in
 * @to: phase it is counted in from now on
 *
 * Context: any; the record's lock orders the calls for one connection.
 */
void lc_backend_count(struct lc_backend *backend, enum lc_phase from,
		      enum lc_phase to)
{
	atomic_t *less = phase_counter(backend, from);
	atomic_t *more = phase_counter(backend, to);

	if (less == more)
		return;
	if (more)
		atomic_inc(more);
	if (less)
		atomic_dec(less);
}

/**
 * lc_backend_miss() - count a connection that cannot be recorded
 * @backend: the backend
 *
 * So that the choice stays fair when there is no memory. Nobody sees it end:
 * it counts until lc_backends_forget().
 *
 * Context: any, under rcu_read_lock().
 */
void lc_backend_miss(struct lc_backend *backend)
{
	atomic_inc(&backend->active);
	atomic_inc(&backend->missed);
}

/**
 * lc_backends_age() - a walk begins that finds whoever was missed
 * @backends: the namespace's
 *
 * Context: may sleep.
 */
void lc_backends_age(struct lc_backends *backends)
{
	struct lc_backend *backend;

	mutex_lock(&backends->lock);
	list_for_each_entry(backend, &backends->list, list)
		backend->stale = atomic_xchg(&backend->missed, 0);
	mutex_unlock(&backends->lock);
}

/**
 * lc_backends_forget() - the walk has ended
 * @backends: the namespace's
 *
 * Whoever was missed before it is recorded now, was missed again, or is gone.
 *
 * Context: may sleep.
 */
void lc_backends_forget(struct lc_backends *backends)
{
	struct lc_backend *backend;

	mutex_lock(&backends->lock);
	list_for_each_entry(backend, &backends->list, list) {
		atomic_sub(backend->stale, &backend->active);
		backend->stale = 0;
	}
	mutex_unlock(&backends->lock);
}

static struct lc_backend *backend_alloc(const struct lc_backend_key *key)
{
	struct lc_backend *backend;

	backend = kzalloc(sizeof(*backend), GFP_KERNEL_ACCOUNT);
	if (!backend)
		return NULL;
	backend->key = *key;
	backend->users = 1;
	refcount_set(&backend->ref, 1);
	return backend;
}

static struct lc_backend *backend_create(struct lc_backends *backends,
					 const struct lc_backend_key *key)
{
	struct lc_backend *backend;
	int err;

	lockdep_assert_held(&backends->lock);

	backend = backend_alloc(key);
	if (!backend)
		return ERR_PTR(-ENOMEM);
	err = rhashtable_insert_fast(&backends->table, &backend->node,
				     backend_params);
	if (err) {
		kfree(backend);
		return ERR_PTR(err);
	}
	list_add_tail(&backend->list, &backends->list);
	if (!key->port)
		WRITE_ONCE(backends->wide, backends->wide + 1);
	WRITE_ONCE(backends->created, backends->created + 1);
	return backend;
}

/* One more pool uses the backend with this key; it appears with the first. */
static struct lc_backend *backend_use(struct lc_backends *backends,
				      const struct lc_backend_key *key)
{
	struct lc_backend *backend;

	mutex_lock(&backends->lock);
	if (backends->closed) {
		backend = ERR_PTR(-ENOENT);
		goto unlock;
	}
	backend = rhashtable_lookup_fast(&backends->table, key,
					 backend_params);
	if (backend)
		backend->users++;
	else
		backend = backend_create(backends, key);
unlock:
	mutex_unlock(&backends->lock);
	return backend;
}

static void backend_leave(struct lc_backends *backends,
			  struct lc_backend *backend)
{
	bool last;

	mutex_lock(&backends->lock);
	last = !--backend->users;
	if (last && !backends->closed)
		backend_unlink(backends, backend);
	mutex_unlock(&backends->lock);
	if (last)
		lc_backend_put(backend);
}

/**
 * lc_pool_alloc() - an empty pool
 * @backends: the namespace's
 * @size: how many members it will have at most
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the pool or NULL.
 */
struct lc_pool *lc_pool_alloc(struct lc_backends *backends, unsigned int size)
{
	struct lc_pool *pool;

	pool = kvzalloc(struct_size(pool, slots, size), GFP_KERNEL_ACCOUNT);
	if (!pool)
		return NULL;
	pool->members = kvcalloc(size, sizeof(*pool->members),
				 GFP_KERNEL_ACCOUNT);
	if (!pool->members) {
		kvfree(pool);
		return NULL;
	}
	pool->backends = backends;
	pool->size = size;
	return pool;
}

/**
 * lc_pool_free() - let go of a pool and its members
 * @pool: a pool that no packet can reach any more
 *
 * Context: may sleep; also after its namespace has gone.
 */
void lc_pool_free(struct lc_pool *pool)
{
	while (pool->count)
		backend_leave(pool->backends, pool->members[--pool->count]);
	kvfree(pool->members);
	kvfree(pool);
}

/**
 * lc_pool_add() - one more member
 * @pool: a pool that no packet can reach yet
 * @member: which backend, and on what terms
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0, -ENOSPC when the pool is full, or another negative errno.
 */
int lc_pool_add(struct lc_pool *pool, const struct lc_member *member)
{
	struct lc_backend *backend;

	if (pool->count == pool->size)
		return -ENOSPC;
	backend = backend_use(pool->backends, &member->key);
	if (IS_ERR(backend))
		return PTR_ERR(backend);

	pool->slots[pool->count] = (struct lc_slot) {
		.active		= &backend->active,
		.max_conns	= member->max_conns,
		.weight		= member->weight,
		.backup		= member->backup,
	};
	pool->members[pool->count++] = backend;
	return 0;
}

/**
 * lc_pool_choose() - the backend that takes the next connection
 * @pool: the pool
 *
 * Counts nothing: a connection counts when it is recorded.
 *
 * Context: any; the caller keeps the pool alive.
 * Return: the backend's key, alive as long as the pool, or NULL when none can
 *	take a connection.
 */
const struct lc_backend_key *lc_pool_choose(struct lc_pool *pool)
{
	int at = lc_select(pool->slots, pool->count, READ_ONCE(pool->cursor));

	if (at < 0)
		return NULL;
	WRITE_ONCE(pool->cursor, at + 1 < pool->count ? at + 1 : 0);
	return &pool->members[at]->key;
}
