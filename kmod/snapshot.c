// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: copies of pools and backends at one moment.
 *
 * A dump takes several messages, and pools may change between two of them. So a dump
 * first takes a snapshot, and sends that.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mem.h"
#include "snapshot.h"

static u32 clamp_count(int count)
{
	return count < 0 ? 0 : count;
}

/**
 * lc_row_set_pool() - copy a pool to a row
 * @row: zeroed memory
 * @pool: the pool; locked
 */
void lc_row_set_pool(struct lc_row *row, const struct lc_pool *pool)
{
	strscpy(row->name, pool->name, sizeof(row->name));
	row->rule = pool->rule;
	row->rules = pool->name[0] ? lc_pool_rules(pool) : 1;
	row->members = pool->n_live;
	row->settings = pool->wanted;
}

/**
 * lc_row_set_backend() - copy a backend to a row
 * @row: zeroed memory
 * @backend: the backend; locked
 */
void lc_row_set_backend(struct lc_row *row, const struct lc_backend *backend)
{
	row->is_backend = true;
	row->key = backend->key;
	row->state = backend->state;
	row->active = clamp_count(lc_backend_active(backend));
	row->inactive = clamp_count(atomic_read(&backend->inactive));
	row->total = atomic64_read(&backend->total);
	row->fails = atomic_read(&backend->fails);
}

/**
 * lc_row_set_member() - copy a backend of a pool to a row
 * @row: zeroed memory
 * @member: the member; its pool is locked
 */
void lc_row_set_member(struct lc_row *row, const struct lc_member *member)
{
	lc_row_set_pool(row, member->pool);
	lc_row_set_backend(row, member->backend);
	row->is_member = true;
	row->terms = member->terms;
	row->health = lc_member_health(member);
	row->reason = member->reason;
	row->counted = lc_member_counted(member);
}

static struct lc_snapshot *snapshot_alloc(unsigned int rows)
{
	struct lc_snapshot *snapshot;

	snapshot = lc_mem_zalloc(struct_size(snapshot, rows, rows));
	return snapshot ?: ERR_PTR(-ENOMEM);
}

static void snapshot_add_pool(struct lc_snapshot *snapshot,
			      const struct lc_pool *pool)
{
	const struct lc_member *member;

	lc_row_set_pool(&snapshot->rows[snapshot->count++], pool);
	list_for_each_entry(member, &pool->members, list)
		lc_row_set_member(&snapshot->rows[snapshot->count++], member);
}

/* Return: how many rows the pools need. A NULL @snapshot: only count. */
static unsigned int snapshot_add_pools(struct lc_snapshot *snapshot,
				       const struct list_head *pools)
{
	const struct lc_pool *pool;
	unsigned int rows = 0;

	list_for_each_entry(pool, pools, list) {
		rows += 1 + pool->n_live;
		if (snapshot)
			snapshot_add_pool(snapshot, pool);
	}
	return rows;
}

/**
 * lc_snapshot_pools() - take a snapshot of all pools, each followed by its members
 * @pools: the namespace's
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the snapshot, which the caller frees by lc_snapshot_free(), or ERR_PTR().
 */
struct lc_snapshot *lc_snapshot_pools(struct lc_pools *pools)
{
	struct lc_snapshot *snapshot;

	mutex_lock(&pools->backends->lock);
	snapshot = snapshot_alloc(snapshot_add_pools(NULL, &pools->named) +
				  snapshot_add_pools(NULL, &pools->unnamed));
	if (!IS_ERR(snapshot)) {
		snapshot_add_pools(snapshot, &pools->named);
		snapshot_add_pools(snapshot, &pools->unnamed);
	}
	mutex_unlock(&pools->backends->lock);
	return snapshot;
}

/**
 * lc_snapshot_pool() - take a snapshot of a pool, followed by its members
 * @pools: the namespace's
 * @name: the name of the pool
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the snapshot, which the caller frees by lc_snapshot_free(), or ERR_PTR():
 *	-ENOENT if there is no such pool.
 */
struct lc_snapshot *lc_snapshot_pool(struct lc_pools *pools, const char *name)
{
	struct lc_snapshot *snapshot = ERR_PTR(-ENOENT);
	struct lc_pool *pool;

	mutex_lock(&pools->backends->lock);
	pool = lc_pool_find(pools, name);
	if (pool)
		snapshot = snapshot_alloc(1 + pool->n_live);
	if (!IS_ERR(snapshot))
		snapshot_add_pool(snapshot, pool);
	mutex_unlock(&pools->backends->lock);
	return snapshot;
}

/* Return: how many rows the backends need. A NULL @snapshot: only count. */
static unsigned int snapshot_add_backends(struct lc_snapshot *snapshot,
					  const struct lc_backends *backends,
					  const struct lc_backend_key *key,
					  unsigned int given)
{
	const struct lc_backend *backend;
	unsigned int rows = 0;

	list_for_each_entry(backend, &backends->list, list) {
		if (!lc_backend_matches(backend, key, given))
			continue;
		rows++;
		if (snapshot)
			lc_row_set_backend(&snapshot->rows[snapshot->count++],
					   backend);
	}
	return rows;
}

/**
 * lc_snapshot_backends() - take a snapshot of backends, in the order they appeared
 * @backends: the namespace's
 * @key: what backends must match
 * @given: the parts of @key to compare: LC_GIVEN_* flags
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the snapshot, which the caller frees by lc_snapshot_free(), or ERR_PTR().
 */
struct lc_snapshot *lc_snapshot_backends(struct lc_backends *backends,
					 const struct lc_backend_key *key,
					 unsigned int given)
{
	struct lc_snapshot *snapshot;

	mutex_lock(&backends->lock);
	snapshot = snapshot_alloc(snapshot_add_backends(NULL, backends, key,
							given));
	if (!IS_ERR(snapshot))
		snapshot_add_backends(snapshot, backends, key, given);
	mutex_unlock(&backends->lock);
	return snapshot;
}

/**
 * lc_snapshot_free() - free a snapshot
 * @snapshot: the snapshot or NULL
 *
 * Context: may sleep.
 */
void lc_snapshot_free(struct lc_snapshot *snapshot)
{
	kvfree(snapshot);
}
