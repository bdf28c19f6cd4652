// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: which connections are counted, and where.
 *
 * Anyone may add a record or move it from phase to phase under its lock; only
 * the reaper takes one out. There is at most one for a key, so that a packet
 * seen twice, two packets racing, or adoption against a new connection count
 * once.
 */
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "compat.h"
#include "record.h"

static struct kmem_cache *record_cache __read_mostly;

static const struct rhashtable_params record_params = {
	.key_len		= sizeof(struct lc_record_key),
	.key_offset		= offsetof(struct lc_record, key),
	.head_offset		= offsetof(struct lc_record, node),
	.automatic_shrinking	= true,
};

/* A constructor also keeps the cache from merging: slabinfo shows it. */
static void record_ctor(void *object)
{
	struct lc_record *record = object;

	spin_lock_init(&record->lock);
}

/**
 * lc_record_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_record_init(void)
{
	BUILD_BUG_ON(sizeof(struct lc_record_key) !=
		     sizeof(struct nf_conntrack_tuple) + 2 * sizeof(u16));

	record_cache = kmem_cache_create("leastconn_record",
					 sizeof(struct lc_record), 0, 0,
					 record_ctor);
	return record_cache ? 0 : -ENOMEM;
}

/**
 * lc_record_exit() - the module goes, after all its namespaces
 */
void lc_record_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(record_cache);
}

/**
 * lc_records_init() - make a namespace ready for records
 * @records: zeroed memory
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int lc_records_init(struct lc_records *records)
{
	return rhashtable_init(&records->table, &record_params);
}

static void put_load(const struct lc_load *load)
{
	if (load->server)
		lc_backend_put(load->server);
	if (load->host)
		lc_backend_put(load->host);
}

static void free_record(void *ptr, void *arg)
{
	struct lc_record *record = ptr;

	put_load(&record->load);
	kmem_cache_free(record_cache, record);
}

/**
 * lc_records_exit() - the namespace goes
 * @records: the namespace's; no reader, no reaper is left
 *
 * Context: may sleep.
 */
void lc_records_exit(struct lc_records *records)
{
	rhashtable_free_and_destroy(&records->table, free_record, NULL);
}

/**
 * lc_records_count() - how many connections are recorded
 * @records: the namespace's
 *
 * Context: any.
 * Return: the number.
 */
unsigned int lc_records_count(struct lc_records *records)
{
	return atomic_read(&records->table.nelems);
}

/**
 * lc_record_find() - the record with this key
 * @records: the namespace's
 * @key: what to look for
 *
 * Context: any, under rcu_read_lock().
 * Return: the record, alive until the read section ends, or NULL. It may be
 *	gone: ask under its lock.
 */
struct lc_record *lc_record_find(struct lc_records *records,
				 const struct lc_record_key *key)
{
	return rhashtable_lookup(&records->table, key, record_params);
}

/*
 * Two first packets of one flow may race on two processors, each translated to
 * a backend of its own; conntrack keeps one. Until the reaper has looked, a
 * change of backend is taken for that, and is no further connection. TCP's
 * loser is dropped: there it is always one.
 */
static bool may_be_twins(const struct lc_record *record)
{
	return !record->checked &&
	       record->key.tuple.dst.protonum != IPPROTO_TCP;
}

/* Counts follow one of a record's backends to @new, and to phase @to. */
static void rebind(struct lc_record *record, struct lc_backend **slot,
		   struct lc_backend *new, enum lc_phase to, bool begins)
{
	enum lc_phase from = record->phase;
	struct lc_backend *old = *slot;

	if (old == new) {
		if (!old)
			return;
		lc_backend_count(old, from, to);
		if (begins && from != LC_ACTIVE)
			atomic64_inc(&old->total);
		return;
	}
	if (new && !lc_backend_get(new))
		new = NULL;
	if (new) {
		lc_backend_count(new, LC_ENDED, to);
		if (!old || READ_ONCE(old->gone) || !may_be_twins(record))
			atomic64_inc(&new->total);
	}
	*slot = new;
	if (old) {
		lc_backend_count(old, from, LC_ENDED);
		lc_backend_put(old);
	}
}

/**
 * lc_record_set() - what is now known of a recorded connection
 * @record: the record; its lock is held and it is not gone
 * @load: the backends it is a load of
 * @phase: where in its life it is
 * @begins: it is a new connection that took an old one's place
 *
 * Context: any, @load's backends under RCU.
 */
void lc_record_set(struct lc_record *record, const struct lc_load *load,
		   enum lc_phase phase, bool begins)
{
	lockdep_assert_held(&record->lock);

	rebind(record, &record->load.server, load->server, phase, begins);
	rebind(record, &record->load.host, load->host, phase, begins);
	record->phase = phase;
}

/* Not for want of room: whoever is recorded already needs none. */
static struct lc_record *no_room(struct lc_records *records,
				 const struct lc_record_key *key, int err)
{
	return ERR_PTR(lc_record_find(records, key) ? -EEXIST : err);
}

/**
 * lc_record_add() - count a connection from now on
 * @records: the namespace's
 * @key: the connection
 * @load: the backends it is a load of
 * @phase: where in its life it is
 * @max: most records there may be; 0: no limit
 *
 * Context: any, under rcu_read_lock(). Does not sleep.
 * Return: the record, or ERR_PTR(): -EEXIST when there is one with this key,
 *	-ENOSPC over @max, -ENOMEM and the table's own errors.
 */
struct lc_record *lc_record_add(struct lc_records *records,
				const struct lc_record_key *key,
				const struct lc_load *load,
				enum lc_phase phase, unsigned int max)
{
	struct lc_record *record, *old;

	if (max && lc_records_count(records) >= max)
		return no_room(records, key, -ENOSPC);
	record = kmem_cache_alloc(record_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!record)
		return no_room(records, key, -ENOMEM);
	record->key = *key;
	record->gone = false;
	record->checked = false;
	record->phase = LC_ENDED;
	record->load = (struct lc_load) {};

	spin_lock_bh(&record->lock);
	old = rhashtable_lookup_get_insert_fast(&records->table, &record->node,
						record_params);
	if (!old)
		lc_record_set(record, load, phase, true);
	spin_unlock_bh(&record->lock);
	if (!old)
		return record;

	kmem_cache_free(record_cache, record);
	if (IS_ERR(old))
		return no_room(records, key, PTR_ERR(old));
	return ERR_PTR(-EEXIST);
}

/**
 * lc_record_renew() - the connection with this key is a new one, or news of it
 * @records: the namespace's
 * @key: the connection
 * @load: the backends it is a load of
 * @phase: where in its life it is
 * @begins: it is a new one that takes a record's place
 *
 * The reaper, which may just have seen the old one's end, looks once more
 * before it takes the record out.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when there is no record with this key, or no more.
 */
bool lc_record_renew(struct lc_records *records,
		     const struct lc_record_key *key,
		     const struct lc_load *load, enum lc_phase phase,
		     bool begins)
{
	struct lc_record *record = lc_record_find(records, key);
	bool renewed;

	if (!record)
		return false;
	spin_lock_bh(&record->lock);
	renewed = !record->gone;
	if (renewed) {
		lc_record_set(record, load, phase, begins);
		record->checked = false;
	}
	spin_unlock_bh(&record->lock);
	return renewed;
}

static void free_rcu(struct rcu_head *head)
{
	kmem_cache_free(record_cache,
			container_of(head, struct lc_record, rcu));
}

/**
 * lc_record_del() - the connection counts no more
 * @records: the namespace's
 * @record: the record; its lock is held. Only the reaper takes records out
 *
 * Context: any; @record stays valid until an RCU grace period has passed.
 */
void lc_record_del(struct lc_records *records, struct lc_record *record)
{
	const struct lc_load none = {};

	lockdep_assert_held(&record->lock);

	record->gone = true;
	lc_record_set(record, &none, LC_ENDED, false);
	rhashtable_remove_fast(&records->table, &record->node, record_params);
	call_rcu(&record->rcu, free_rcu);
}
