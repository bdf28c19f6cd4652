// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: which connections are counted, and where.
 *
 * Anyone may add a record or move it from phase to phase under its lock; only
 * the reaper takes one out. There is at most one for a key, so that a packet
 * seen twice, two packets racing, or adoption against a new connection count
 * once.
 */
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "compat.h"
#include "record.h"

struct kmem_cache *lc_record_cache __read_mostly;

static u32 hash_node(const struct lc_table *table, const struct lc_node *node)
{
	return lc_record_hash(container_of(table, struct lc_records, table),
			      &container_of(node, struct lc_record, node)->key);
}

/* Without a constructor each would be cleared first, and merged with others. */
static void record_ctor(void *object)
{
}

/**
 * lc_record_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_record_init(void)
{
	/* Hashed and compared as words. */
	BUILD_BUG_ON(sizeof(struct lc_record_key) != 40);

	lc_record_cache = kmem_cache_create("leastconn_record",
					    sizeof(struct lc_record), 0, 0,
					    record_ctor);
	return lc_record_cache ? 0 : -ENOMEM;
}

/**
 * lc_record_exit() - the module goes, after all its namespaces
 */
void lc_record_exit(void)
{
	kmem_cache_destroy(lc_record_cache);
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
	get_random_bytes(records->random, sizeof(records->random));
	err = lc_table_init(&records->table, hash_node);
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

static void free_node(struct lc_node *node)
{
	struct lc_record *record = container_of(node, struct lc_record, node);

	put_load(&record->load);
	kmem_cache_free(lc_record_cache, record);
}

/**
 * lc_records_close() - the namespace goes
 * @records: the namespace's; no hook, no reaper is left
 *
 * Context: may sleep.
 */
void lc_records_close(struct lc_records *records)
{
	if (records->open)
		lc_table_exit(&records->table, free_node);
}

/**
 * lc_record_lock() - what protects the record with this key
 * @records: the namespace's
 * @key: the key
 *
 * Context: any. To be taken with bottom halves off.
 * Return: the lock.
 */
spinlock_t *lc_record_lock(const struct lc_records *records,
			   const struct lc_record_key *key)
{
	return lc_table_lock(&records->table, lc_record_hash(records, key));
}

/*
 * Two first packets of one flow may race on two processors, each translated to
 * a backend of its own; conntrack keeps one. Until the reaper has looked, a
 * change of backend is taken for that, and is no further connection. TCP's
 * loser is dropped: there it is always one.
 */
static bool may_be_twins(const struct lc_record *record)
{
	return !(record->marks & LC_CHECKED) &&
	       record->key.proto != IPPROTO_TCP;
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
	WRITE_ONCE(*slot, new);
	if (old) {
		lc_backend_count(old, from, LC_ENDED);
		lc_backend_put(old);
	}
}

static void change(struct lc_record *record, const struct lc_load *load,
		   enum lc_phase phase, bool begins)
{
	rebind(record, &record->load.server, load->server, phase, begins);
	rebind(record, &record->load.host, load->host, phase, begins);
	WRITE_ONCE(record->phase, phase);
}

/**
 * lc_record_set() - what is now known of a recorded connection
 * @records: the namespace's
 * @record: the record; its lock is held
 * @load: the backends it is a load of
 * @phase: where in its life it is
 *
 * Context: any, @load's backends under RCU.
 */
void lc_record_set(struct lc_records *records, struct lc_record *record,
		   const struct lc_load *load, enum lc_phase phase)
{
	lockdep_assert_held(lc_record_lock(records, &record->key));

	change(record, load, phase, false);
}

static struct lc_record *find(const struct lc_records *records, u32 hash,
			      const struct lc_record_key *key)
{
	return lc_record_find(lc_table_bucket(&records->table, hash), hash,
			      key);
}

/**
 * lc_record_is() - is there a record with this key?
 * @records: the namespace's
 * @key: the connection
 *
 * Context: any.
 * Return: whether there is.
 */
bool lc_record_is(struct lc_records *records, const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lock(&records->table, hash);
	bool is;

	spin_lock_bh(lock);
	is = find(records, hash, key);
	spin_unlock_bh(lock);
	return is;
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
 * Return: false when there is no record with this key.
 */
bool lc_record_renew(struct lc_records *records,
		     const struct lc_record_key *key,
		     const struct lc_load *load, enum lc_phase phase,
		     bool begins)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lock(&records->table, hash);
	struct lc_record *record;
	u8 keep;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	if (record) {
		/* News of who has failed is no further failure. */
		keep = begins ? 0 : LC_FAILED;
		/* The client's next try at what was taken from a backend. */
		if (record->phase == LC_ENDED)
			keep |= LC_TRIES;
		change(record, load, phase, begins);
		WRITE_ONCE(record->marks, record->marks & keep);
	}
	spin_unlock_bh(lock);
	return record;
}

/**
 * lc_record_close() - an active connection is no more
 * @records: the namespace's
 * @key: the connection, recorded or not
 * @phase: where in its life it is
 *
 * Context: any, under rcu_read_lock().
 * Return: whether it was one until now.
 */
bool lc_record_close(struct lc_records *records,
		     const struct lc_record_key *key, enum lc_phase phase)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lock(&records->table, hash);
	struct lc_record *record;
	bool closes;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	closes = record && record->phase == LC_ACTIVE;
	if (closes)
		change(record, &record->load, phase, false);
	spin_unlock_bh(lock);
	return closes;
}

/**
 * lc_record_fail() - its backend has failed an active connection
 * @records: the namespace's
 * @key: the connection, recorded or not
 *
 * Context: any.
 * Return: whether this is news.
 */
bool lc_record_fail(struct lc_records *records,
		    const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lock(&records->table, hash);
	struct lc_record *record;
	bool news;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	news = record && record->phase == LC_ACTIVE &&
	       !(record->marks & LC_FAILED);
	if (news)
		WRITE_ONCE(record->marks, record->marks | LC_FAILED);
	spin_unlock_bh(lock);
	return news;
}

/**
 * lc_record_retry() - take a connection from its backend, for another one
 * @records: the namespace's
 * @key: the connection, recorded or not
 *
 * It is counted nowhere until its client tries again.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when that has been done LC_MOST_TRIES times.
 */
bool lc_record_retry(struct lc_records *records,
		     const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lock(&records->table, hash);
	struct lc_record *record;
	unsigned int tries = 0;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	if (record)
		tries = FIELD_GET(LC_TRIES, record->marks) + 1;
	if (tries > LC_MOST_TRIES)
		tries = 0;
	if (tries) {
		change(record, &record->load, LC_ENDED, false);
		WRITE_ONCE(record->marks, LC_CHECKED |
			   FIELD_PREP(LC_TRIES, tries));
	}
	spin_unlock_bh(lock);
	return tries;
}

/**
 * lc_record_left() - the backend that a connection was last taken from
 * @records: the namespace's
 * @key: the connection, recorded or not
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend, to be compared with, or NULL.
 */
const struct lc_backend *lc_record_left(struct lc_records *records,
					const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lock(&records->table, hash);
	const struct lc_backend *left = NULL;
	const struct lc_record *record;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	if (record && lc_record_waits(record))
		left = record->load.server ?: record->load.host;
	spin_unlock_bh(lock);
	return left;
}

/**
 * lc_record_del() - the connection counts no more
 * @records: the namespace's
 * @record: the record, freed; its lock is held. Only the reaper takes records
 *	out
 *
 * Context: any, under rcu_read_lock().
 */
void lc_record_del(struct lc_records *records, struct lc_record *record)
{
	const u32 hash = lc_record_hash(records, &record->key);
	const struct lc_load none = {};

	change(record, &none, LC_ENDED, false);
	lc_table_del(&records->table, lc_table_bucket(&records->table, hash),
		     &record->node);
	kmem_cache_free(lc_record_cache, record);
}
