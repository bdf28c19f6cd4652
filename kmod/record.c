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
#include <linux/jhash.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "compat.h"
#include "record.h"

static struct kmem_cache *record_cache __read_mostly;

/* Of the eleven words of an IPv4 connection's key six are always zero. */
static u32 hash_key(const void *data, u32 len, u32 seed)
{
	const struct lc_record_key *key = data;
	const struct nf_conntrack_tuple *tuple = &key->tuple;
	u32 ports;

	if (tuple->src.l3num != NFPROTO_IPV4)
		return jhash2(data, len / sizeof(u32), seed);
	ports = (__force u32)tuple->src.u.all << 16 |
		(__force u32)tuple->dst.u.all;
	return jhash_3words((__force u32)tuple->src.u3.ip,
			    (__force u32)tuple->dst.u3.ip, ports,
			    seed + (key->zone << 8 | tuple->dst.protonum));
}

static int compare_key(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct lc_record_key *key = arg->key;
	const struct lc_record *record = object;

	return !nf_ct_tuple_equal(&key->tuple, &record->key.tuple) ||
	       key->zone != record->key.zone;
}

static const struct rhashtable_params record_params = {
	.key_len		= sizeof(struct lc_record_key),
	.key_offset		= offsetof(struct lc_record, key),
	.head_offset		= offsetof(struct lc_record, node),
	.hashfn			= hash_key,
	.obj_cmpfn		= compare_key,
	/* A burst of first packets comes before the table can have grown. */
	.min_size		= 4096,
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
 * lc_records_open() - make a namespace ready for records
 * @records: zeroed memory, or opened before
 *
 * Not when it begins: most namespaces never have a rule.
 *
 * Context: may sleep; the caller lets one in at a time.
 * Return: 0 or a negative errno.
 */
int lc_records_open(struct lc_records *records)
{
	int err;

	if (records->open)
		return 0;
	err = rhashtable_init(&records->table, &record_params);
	if (!err)
		records->open = true;
	return err;
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
 * lc_records_close() - the namespace goes
 * @records: the namespace's; no reader, no reaper is left
 *
 * Context: may sleep.
 */
void lc_records_close(struct lc_records *records)
{
	if (records->open)
		rhashtable_free_and_destroy(&records->table, free_record,
					    NULL);
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

static void count_load(const struct lc_load *load, enum lc_phase from,
		       enum lc_phase to)
{
	if (load->server)
		lc_backend_count(load->server, from, to);
	if (load->host)
		lc_backend_count(load->host, from, to);
}

/* Without those that are going. */
static struct lc_load get_load(const struct lc_load *load)
{
	struct lc_load held = *load;

	if (held.server && !lc_backend_get(held.server))
		held.server = NULL;
	if (held.host && !lc_backend_get(held.host))
		held.host = NULL;
	return held;
}

static void add_to_totals(const struct lc_load *load)
{
	if (load->server)
		atomic64_inc(&load->server->total);
	if (load->host)
		atomic64_inc(&load->host->total);
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

/**
 * lc_record_alloc() - a record whose key is to be filled
 * @records: the namespace's
 * @max: most records there may be; 0: no limit
 *
 * Context: any. Does not sleep.
 * Return: the record, or ERR_PTR(): -ENOSPC over @max, or -ENOMEM.
 */
struct lc_record *lc_record_alloc(struct lc_records *records, unsigned int max)
{
	struct lc_record *record;

	if (max && lc_records_count(records) >= max)
		return ERR_PTR(-ENOSPC);
	record = kmem_cache_alloc(record_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!record)
		return ERR_PTR(-ENOMEM);
	record->gone = false;
	record->checked = false;
	return record;
}

/**
 * lc_record_add() - count a connection from now on
 * @records: the namespace's
 * @record: from lc_record_alloc(), its key filled; freed on error
 * @load: the backends the connection is a load of
 * @phase: where in its life it is
 *
 * Context: any, under rcu_read_lock(). Does not sleep.
 * Return: 0; -EEXIST when there is one with this key; -ENOMEM and the table's
 *	own errors.
 */
int lc_record_add(struct lc_records *records, struct lc_record *record,
		  const struct lc_load *load, enum lc_phase phase)
{
	struct lc_record *old;

	record->phase = phase;
	record->load = get_load(load);
	/* Counted before anybody can find it: needs no lock. */
	count_load(&record->load, LC_ENDED, phase);
	old = rhashtable_lookup_get_insert_fast(&records->table, &record->node,
						record_params);
	if (!old) {
		add_to_totals(&record->load);
		return 0;
	}
	count_load(&record->load, phase, LC_ENDED);
	free_record(record, NULL);
	return IS_ERR(old) ? PTR_ERR(old) : -EEXIST;
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
