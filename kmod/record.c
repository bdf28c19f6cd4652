// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: which connections are counted, and where.
 *
 * Anyone may add a record or move it from phase to phase under its lock; only
 * the gc takes one out.
 *
 * Until the gc has looked at it a record is young, and in a table of the young
 * alone. That one is small, and so in a cache however many connections live:
 * what a new one costs would else grow with their number, by the way to a bucket
 * among a million. There is at most one young record for a key, so that a packet
 * seen twice, two packets racing, or adoption against a new connection count
 * once.
 *
 * Nobody looks for an old one when a young one is added. There is one where
 * conntrack's entry has ended without a packet, as when a client's port is used
 * again, and the gc has not seen that yet. It counts until then, as it would
 * had nobody come. Whoever asks for the key is told of the young one, and where
 * that grows old it takes the other's place.
 */
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "record.h"

struct kmem_cache *lc_record_cache __read_mostly;

static u32 record_hash_node(const void *records, const struct lc_node *node)
{
	return lc_record_hash(records,
			      &container_of(node, struct lc_record, node)->key);
}

/* Without a constructor each would be cleared first, and merged with count_other_proto. */
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
	if (records->open)
		return 0;
	get_random_bytes(records->random, sizeof(records->random));
	records->locks = lc_table_locks_alloc();
	if (!records->locks)
		return -ENOMEM;
	if (lc_table_init(&records->young, records->locks, record_hash_node, records))
		goto free_locks;
	if (lc_table_init(&records->old, records->locks, record_hash_node, records))
		goto exit_young;
	records->open = true;
	return 0;

exit_young:
	lc_table_exit(&records->young, NULL);
free_locks:
	lc_table_locks_free(records->locks);
	return -ENOMEM;
}

static void put_dests(const struct lc_dests *dests)
{
	if (dests->exact)
		lc_backend_put(dests->exact);
	if (dests->any_port)
		lc_backend_put(dests->any_port);
}

static void free_node(struct lc_node *node)
{
	struct lc_record *record = container_of(node, struct lc_record, node);

	put_dests(&record->dests);
	kmem_cache_free(lc_record_cache, record);
}

/**
 * lc_records_close() - the namespace goes
 * @records: the namespace's; no hook, no gc is left
 *
 * Context: may sleep.
 */
void lc_records_close(struct lc_records *records)
{
	if (!records->open)
		return;
	lc_table_exit(&records->old, free_node);
	lc_table_exit(&records->young, free_node);
	lc_table_locks_free(records->locks);
}

/**
 * lc_record_lockptr() - what protects the record with this key
 * @records: the namespace's
 * @key: the key
 *
 * Context: any. To be taken with bottom halves off.
 * Return: the lock.
 */
spinlock_t *lc_record_lockptr(const struct lc_records *records,
			      const struct lc_record_key *key)
{
	return lc_table_lockptr(&records->young, lc_record_hash(records, key));
}

/*
 * Two first packets of one flow may race on two processors, each translated to
 * a backend of its own; conntrack keeps one. Until the gc has looked, a
 * change of backend is taken for that, and is no further connection. TCP's
 * loser is dropped: there it is always one.
 */
static bool may_clash(const struct lc_record *record)
{
	return !(record->marks & LC_CHECKED) &&
	       record->key.proto != IPPROTO_TCP;
}

/* Counts follow one of a record's backends to @new, and to phase @to. */
static void record_account(struct lc_record *record, struct lc_backend **slot,
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
		if (!old || READ_ONCE(old->gone) || !may_clash(record))
			atomic64_inc(&new->total);
	}
	WRITE_ONCE(*slot, new);
	if (old) {
		lc_backend_count(old, from, LC_ENDED);
		lc_backend_put(old);
	}
}

static void change(struct lc_record *record, const struct lc_dests *dests,
		   enum lc_phase phase, bool begins)
{
	record_account(record, &record->dests.exact, dests->exact, phase, begins);
	record_account(record, &record->dests.any_port, dests->any_port, phase, begins);
	WRITE_ONCE(record->phase, phase);
}

/**
 * lc_record_set() - what is now known of a recorded connection
 * @records: the namespace's
 * @record: the record; its lock is held
 * @dests: the backends it is a load of
 * @phase: where in its life it is
 *
 * Context: any, @dests's backends under RCU.
 */
void lc_record_set(struct lc_records *records, struct lc_record *record,
		   const struct lc_dests *dests, enum lc_phase phase)
{
	lockdep_assert_held(lc_record_lockptr(records, &record->key));

	change(record, dests, phase, false);
}

static struct lc_record *find_in_table(const struct lc_table *table, u32 hash,
				       const struct lc_record_key *key)
{
	return lc_record_find(lc_table_bucket(table, hash), hash, key);
}

/* Of two the young one: it is who has the key now. */
static struct lc_record *find(const struct lc_records *records, u32 hash,
			      const struct lc_record_key *key)
{
	return find_in_table(&records->young, hash, key) ?:
	       find_in_table(&records->old, hash, key);
}

/**
 * lc_record_exists() - is there a record with this key?
 * @records: the namespace's
 * @key: the connection
 *
 * Context: any.
 * Return: whether there is.
 */
bool lc_record_exists(struct lc_records *records, const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	bool is;

	spin_lock_bh(lock);
	is = find(records, hash, key);
	spin_unlock_bh(lock);
	return is;
}

/**
 * lc_record_renew() - the connection with this key is a new one, or was seen again
 * @records: the namespace's
 * @key: the connection
 * @dests: the backends it is a load of
 * @phase: where in its life it is
 * @begins: it is a new one that takes a record's place
 *
 * If the connection is new, or its record has ended, the gc checks once more
 * before it frees the record: it may just have seen the end of the previous entry.
 * A connection that is only seen again keeps its marks, so that an answer or a
 * failure is not counted twice, and the number of tries is n_unready.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when there is no record with this key.
 */
bool lc_record_renew(struct lc_records *records,
		     const struct lc_record_key *key,
		     const struct lc_dests *dests, enum lc_phase phase,
		     bool begins)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	u8 keep = U8_MAX;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	if (record) {
		if (begins)
			keep = LC_YOUNG;
		else if (record->phase == LC_ENDED)
			keep = LC_YOUNG | LC_FAILED;
		/* The client's next try at what was taken from a backend. */
		if (record->phase == LC_ENDED)
			keep |= LC_TRIES;
		change(record, dests, phase, begins);
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
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	bool closes;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	closes = record && record->phase == LC_ACTIVE;
	if (closes)
		change(record, &record->dests, phase, false);
	spin_unlock_bh(lock);
	return closes;
}

/**
 * lc_record_mark_failed() - its backend has failed an active connection
 * @records: the namespace's
 * @key: the connection, recorded or not
 *
 * Context: any.
 * Return: whether this is news.
 */
bool lc_record_mark_failed(struct lc_records *records,
			   const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
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

/* Those of the one it takes the place of, too, if that waits for it. */
static unsigned int all_tries(const struct lc_records *records, u32 hash,
			      const struct lc_record *record)
{
	const struct lc_record *old = find_in_table(&records->old, hash,
					      &record->key);
	unsigned int tries = FIELD_GET(LC_TRIES, record->marks);

	if (!old || !lc_record_awaits_retry(old))
		return tries;
	return max_t(unsigned int, tries, FIELD_GET(LC_TRIES, old->marks));
}

/**
 * lc_record_start_retry() - take a connection from its backend, for another one
 * @records: the namespace's
 * @key: the connection, recorded or not
 *
 * It is counted nowhere until its client tries again.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when that has been done LC_MAX_TRIES times.
 */
bool lc_record_start_retry(struct lc_records *records,
			   const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	unsigned int tries = 0;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	if (record)
		tries = all_tries(records, hash, record) + 1;
	if (tries > LC_MAX_TRIES)
		tries = 0;
	if (tries) {
		change(record, &record->dests, LC_ENDED, false);
		WRITE_ONCE(record->marks, (record->marks & LC_YOUNG) |
			   LC_CHECKED | FIELD_PREP(LC_TRIES, tries));
	}
	spin_unlock_bh(lock);
	return tries;
}

/**
 * lc_record_prev_backend() - the backend that a connection was last taken from
 * @records: the namespace's
 * @key: the connection, recorded or not
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend, to be compared with, or NULL.
 */
const struct lc_backend *lc_record_prev_backend(struct lc_records *records,
						const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	const struct lc_backend *left = NULL;
	const struct lc_record *record;

	spin_lock_bh(lock);
	record = find(records, hash, key);
	if (record && lc_record_awaits_retry(record))
		left = record->dests.exact ?: record->dests.any_port;
	spin_unlock_bh(lock);
	return left;
}

/* Of two with one key the young one has been tried as often. */
static void inherit_tries(const struct lc_records *records, u32 hash,
			  struct lc_record *young)
{
	unsigned int tries = all_tries(records, hash, young);

	WRITE_ONCE(young->marks, (young->marks & ~LC_TRIES) |
				 FIELD_PREP(LC_TRIES, tries));
}

/**
 * lc_record_is_superseded() - to a young record with an old one's key
 * @records: the namespace's
 * @record: a record, young or old; its lock is held
 *
 * What conntrack has with this key is the young one's, which is told how often
 * the connection was tried.
 *
 * Context: any.
 * Return: whether there is one: @record, which is old, is to go.
 */
bool lc_record_is_superseded(const struct lc_records *records,
			     const struct lc_record *record)
{
	u32 hash = lc_record_hash(records, &record->key);
	struct lc_record *young;

	if (record->marks & LC_YOUNG)
		return false;
	young = find_in_table(&records->young, hash, &record->key);
	if (young)
		inherit_tries(records, hash, young);
	return young;
}

/* The old record goes on as the young one, which has its load to end instead. */
static void replace_old(struct lc_record *old, struct lc_record *young)
{
	swap(old->dests, young->dests);
	swap(old->phase, young->phase);
	old->bucket = young->bucket;
	old->marks = young->marks & ~LC_YOUNG;
}

/**
 * lc_record_make_old() - a record is young no more
 * @records: the namespace's
 * @record: the record, young or not; its lock is held. Only the gc lets
 *	them age
 *
 * Where an old one has its key, that connection has ended unseen, and its record
 * goes on with what this one had.
 *
 * Context: any, under rcu_read_lock().
 * Return: false when it does: @record is freed.
 */
bool lc_record_make_old(struct lc_records *records, struct lc_record *record)
{
	u32 hash = lc_record_hash(records, &record->key);
	struct lc_table *young = &records->young, *old = &records->old;
	struct lc_record *outlived;

	if (!(record->marks & LC_YOUNG))
		return true;
	outlived = find_in_table(old, hash, &record->key);
	if (outlived) {
		inherit_tries(records, hash, record);
		replace_old(outlived, record);
		lc_record_del(records, record);
		return false;
	}
	lc_table_del(young, lc_table_bucket(young, hash), &record->node);
	lc_table_add(old, lc_table_bucket(old, hash), hash, &record->node);
	WRITE_ONCE(record->marks, record->marks & ~LC_YOUNG);
	return true;
}

/**
 * lc_record_prefetch_old() - lc_record_make_old() soon
 * @records: the namespace's
 * @record: the record; its lock is not needed
 *
 * Context: any.
 */
void lc_record_prefetch_old(const struct lc_records *records,
			    const struct lc_record *record)
{
	lc_table_prefetch(&records->old, lc_record_hash(records, &record->key));
}

/**
 * lc_record_del() - the connection counts no more
 * @records: the namespace's
 * @record: the record, freed; its lock is held. Only the gc takes records
 *	out
 *
 * Context: any, under rcu_read_lock().
 */
void lc_record_del(struct lc_records *records, struct lc_record *record)
{
	const u32 hash = lc_record_hash(records, &record->key);
	const struct lc_dests none = {};
	struct lc_table *table = record->marks & LC_YOUNG ? &records->young :
							    &records->old;

	change(record, &none, LC_ENDED, false);
	lc_table_del(table, lc_table_bucket(table, hash), &record->node);
	kmem_cache_free(lc_record_cache, record);
}

static unsigned int collect(const struct lc_table *table, unsigned int part,
			    bool (*wanted)(const struct lc_dests *dests),
			 struct lc_record_key *keys, unsigned int most)
{
	const struct lc_record *record;
	const struct lc_node *node;
	unsigned int found = 0;
	u32 at;

	for (at = part; at < READ_ONCE(table->size); at += LC_TABLE_LOCKS) {
		node = lc_table_at(table, at)->first;
		for (; node; node = node->next) {
			record = container_of(node, struct lc_record, node);
			if (!wanted(&record->dests))
				continue;
			if (found < most)
				keys[found] = record->key;
			found++;
		}
	}
	return found;
}

/**
 * lc_records_collect() - connections that are the load of certain backends
 * @records: the namespace's, which are open
 * @part: of them, from 0 to %LC_TABLE_LOCKS - 1
 * @wanted: which loads; called under a lock, bottom halves off
 * @keys: where their keys go
 * @most: room for so many keys
 *
 * Context: process.
 * Return: how many there are in this part, more than @most perhaps.
 */
unsigned int lc_records_collect(struct lc_records *records, unsigned int part,
				bool (*wanted)(const struct lc_dests *dests),
			     struct lc_record_key *keys, unsigned int most)
{
	spinlock_t *lock = &records->locks[part];
	unsigned int found;

	spin_lock_bh(lock);
	found = collect(&records->young, part, wanted, keys, most);
	found += collect(&records->old, part, wanted, keys + min(found, most),
		      most - min(found, most));
	spin_unlock_bh(lock);
	return found;
}
