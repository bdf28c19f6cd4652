// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: the connections that are counted, and the backends that count them.
 *
 * Hooks, scans and the gc update records, each under the lock of its hash. Only the gc
 * frees records.
 *
 * There are two generations. A record is young until the gc has checked and kept it;
 * then it is old. Each generation has its own table. The table of young records is
 * small, so it stays in the cache however many connections live. With one table for
 * all, a new connection would cost more the more connections there are: it would
 * fetch one of a million buckets from memory.
 *
 * There is at most one young record with a key. So a connection is counted once, even
 * if a packet passes the hooks twice, if two packets race, or if a scan adopts the
 * connection at the same time.
 *
 * A young record is added without a look at the old records. An old record with the
 * same key belongs to an entry that has ended without a packet, and the gc has not
 * noticed that yet: for example, a client uses a port again. The old record is counted
 * until the gc checks it, as it would be without the new connection. If both tables
 * hold a key, the young record is current: a search returns it. When it grows old, it
 * takes the place of the old one.
 */
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "hint.h"
#include "record.h"

struct kmem_cache *lc_record_cache __read_mostly;
DEFINE_PER_CPU(struct lc_spares, lc_spares);

static u32 record_hash_node(const void *records, const struct lc_node *node)
{
	return lc_record_hash(records,
			      &container_of(node, struct lc_record, node)->key);
}

/*
 * It does nothing. But a cache with a constructor is not merged with other caches, and
 * its objects are not cleared when they are allocated.
 */
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
	/* Keys are hashed and compared as words: they must have no padding. */
	BUILD_BUG_ON(sizeof(struct lc_record_key) != 40);

	lc_record_cache = kmem_cache_create("leastconn_record",
					    sizeof(struct lc_record), 0, 0,
					    record_ctor);
	return lc_record_cache ? 0 : -ENOMEM;
}

static void spares_free(struct lc_spares *spares)
{
	while (spares->n)
		lc_record_free(spares->records[--spares->n]);
}

/**
 * lc_record_exit() - the module unloads, after all its namespaces have ended
 */
void lc_record_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		spares_free(per_cpu_ptr(&lc_spares, cpu));
	kmem_cache_destroy(lc_record_cache);
}

/**
 * lc_record_alloc_several() - allocate a record, and spare ones
 *
 * On a real-time kernel it allocates one: there bottom halves that are off do not protect
 * what is a processor's own.
 *
 * Context: bottom halves off. Does not sleep.
 * Return: the record, or NULL.
 */
struct lc_record *lc_record_alloc_several(void)
{
	struct lc_spares *spares = this_cpu_ptr(&lc_spares);
	const gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return kmem_cache_alloc(lc_record_cache, gfp);
	/* All or nothing: its result is a number before 7.2, then a bool. */
	if (!kmem_cache_alloc_bulk(lc_record_cache, gfp, LC_SPARES,
				   (void **)spares->records))
		return NULL;
	spares->n = LC_SPARES - 1;
	return spares->records[spares->n];
}

/**
 * lc_records_open() - allocate the tables of a namespace
 * @records: zeroed memory, or opened before
 *
 * This is not done when the namespace begins: most namespaces never have a rule.
 *
 * Context: may sleep; the caller serializes calls for a namespace.
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
	WRITE_ONCE(records->open, true);
	return 0;

exit_young:
	lc_table_exit(&records->young, NULL);
free_locks:
	lc_table_locks_free(records->locks);
	records->locks = NULL;
	return -ENOMEM;
}

static void record_put_dests(const struct lc_dests *dests)
{
	if (dests->exact)
		lc_backend_put(dests->exact);
	if (dests->any_port)
		lc_backend_put(dests->any_port);
}

static void record_free_node(struct lc_node *node)
{
	struct lc_record *record = container_of(node, struct lc_record, node);

	record_put_dests(&record->dests);
	lc_record_free(record);
}

/**
 * lc_records_stop() - the namespace ends: lc_record_claim() finds nothing any more
 * @records: the namespace's
 *
 * Until its rules have gone, packets of other namespaces may ask for its records: see
 * lc_filter_unconfirmed(). Those that have begun end with the next RCU grace period.
 *
 * Context: any.
 */
void lc_records_stop(struct lc_records *records)
{
	WRITE_ONCE(records->open, false);
}

/**
 * lc_records_close() - the namespace ends: free its records and tables
 * @records: the namespace's; stopped before the last grace period. Neither hooks nor the
 *	gc use it any more
 *
 * Context: may sleep.
 */
void lc_records_close(struct lc_records *records)
{
	if (!records->locks)
		return;
	lc_table_exit(&records->old, record_free_node);
	lc_table_exit(&records->young, record_free_node);
	lc_table_locks_free(records->locks);
}

/**
 * lc_record_lockptr() - the lock that protects the record with a key
 * @records: the namespace's
 * @key: the key
 *
 * Context: any. The lock is taken with bottom halves off.
 * Return: the lock.
 */
spinlock_t *lc_record_lockptr(const struct lc_records *records,
			      const struct lc_record_key *key)
{
	return lc_table_lockptr(&records->young, lc_record_hash(records, key));
}

/*
 * The first two packets of a flow may race on two processors, and each may be
 * translated to a different backend. Conntrack keeps one of the two entries. So a
 * change of the backend before the first check is taken for such a race: it is not
 * counted as another connection. In TCP the packet that loses is dropped, so there a
 * change of the backend is always another connection.
 */
static bool record_may_clash(const struct lc_record *record)
{
	return !(record->marks & LC_CHECKED) &&
	       record->key.proto != IPPROTO_TCP;
}

/**
 * lc_dests_updates() - how many pools are updated when a connection begins or ends
 * @dests: the backends that count it
 *
 * Context: any, under rcu_read_lock() or with references.
 * Return: the number.
 */
unsigned int lc_dests_updates(const struct lc_dests *dests)
{
	/* A hook may change them meanwhile. */
	const struct lc_backend *exact = READ_ONCE(dests->exact);
	const struct lc_backend *any_port = READ_ONCE(dests->any_port);

	return (exact ? READ_ONCE(exact->n_sched_dests) : 0) +
	       (any_port ? READ_ONCE(any_port->n_sched_dests) : 0);
}

/*
 * Move the counts of a connection from the backend in @slot to @new, and from the
 * record's phase to @to. Return: how many pools were updated.
 */
static unsigned int record_account(struct lc_record *record,
				   struct lc_backend **slot,
				   struct lc_backend *new, enum lc_phase to,
				   bool begins)
{
	enum lc_phase from = lc_record_phase(record);
	struct lc_backend *old = *slot;
	unsigned int updates = 0;

	if (old == new) {
		if (!old)
			return 0;
		lc_backend_count(old, from, to);
		if (begins && !lc_phase_is_active(from))
			atomic64_inc(&old->total);
		return from == to ? 0 : READ_ONCE(old->n_sched_dests);
	}
	if (new && !lc_backend_get(new))
		new = NULL;
	if (new) {
		lc_backend_count(new, LC_ENDED, to);
		updates += READ_ONCE(new->n_sched_dests);
		if (!old || READ_ONCE(old->gone) || !record_may_clash(record))
			atomic64_inc(&new->total);
	}
	WRITE_ONCE(*slot, new);
	if (old) {
		lc_backend_count(old, from, LC_ENDED);
		updates += READ_ONCE(old->n_sched_dests);
		lc_backend_put(old);
	}
	return updates;
}

/* Return: how many pools were updated. */
static unsigned int record_update(struct lc_record *record,
				  const struct lc_dests *dests,
				  enum lc_phase phase, bool begins)
{
	unsigned int updates;

	updates = record_account(record, &record->dests.exact, dests->exact,
				 phase, begins);
	updates += record_account(record, &record->dests.any_port,
				  dests->any_port, phase, begins);
	WRITE_ONCE(record->marks, (record->marks & ~LC_PHASE) | phase);
	return updates;
}

/**
 * lc_record_set() - update a record from its conntrack entry
 * @records: the namespace's
 * @record: the record; its lock is held
 * @dests: the backends that count the connection from now on
 * @phase: the phase of the connection
 *
 * Context: any, under rcu_read_lock().
 */
void lc_record_set(struct lc_records *records, struct lc_record *record,
		   const struct lc_dests *dests, enum lc_phase phase)
{
	lockdep_assert_held(lc_record_lockptr(records, &record->key));

	record_update(record, dests, phase, false);
}

static struct lc_record *record_find_in_table(const struct lc_table *table, u32 hash,
					      const struct lc_record_key *key)
{
	return lc_record_find_in_bucket(lc_table_bucket(table, hash), hash, key);
}

/* If both tables hold the key, the young record is current. */
static struct lc_record *record_find(const struct lc_records *records, u32 hash,
				     const struct lc_record_key *key)
{
	return record_find_in_table(&records->young, hash, key) ?:
	       record_find_in_table(&records->old, hash, key);
}

/**
 * lc_record_exists() - is there a record with this key?
 * @records: the namespace's
 * @key: the key
 *
 * Context: any.
 * Return: true if there is.
 */
bool lc_record_exists(struct lc_records *records, const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	bool exists;

	spin_lock_bh(lock);
	exists = record_find(records, hash, key);
	spin_unlock_bh(lock);
	return exists;
}

/**
 * lc_record_renew() - update the record of a connection that is new or seen again
 * @records: the namespace's
 * @key: the connection's key
 * @dests: the backends that count the connection from now on
 * @phase: the phase of the connection
 * @begins: true if the connection is new, and takes over the record of an earlier one
 * @origin: marks of LC_ORIGIN; of a new connection
 *
 * If the connection is new, or its record has ended, the gc checks the record once
 * more before it frees it: the last check may have seen the end of the previous
 * entry. A connection that is only seen again keeps its marks, so that an answer or a
 * failure is not counted twice, and stays half-open until the gc's next check: only that
 * knows better. A connection that was redispatched keeps its number of tries.
 *
 * Context: any, under rcu_read_lock().
 * Return: how many pools were updated, or -ENOENT: there is no record with this key.
 */
int lc_record_renew(struct lc_records *records,
		    const struct lc_record_key *key,
		    const struct lc_dests *dests, enum lc_phase phase,
		    bool begins, u16 origin)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	int updates = -ENOENT;
	u16 keep = U16_MAX;
	bool ended;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	if (record) {
		ended = lc_record_phase(record) == LC_ENDED;
		if (!begins && phase == LC_ACTIVE &&
		    lc_record_phase(record) == LC_HALF_OPEN)
			phase = LC_HALF_OPEN;
		if (begins)
			keep = LC_PHASE | LC_YOUNG;
		else if (ended)
			keep = LC_PHASE | LC_YOUNG | LC_ORIGIN | LC_JUDGED;
		/* The client may be retrying a connection that was redispatched. */
		if (ended)
			keep |= LC_TRIES;
		updates = record_update(record, dests, phase, begins);
		WRITE_ONCE(record->marks, (record->marks & keep) |
			   (begins ? origin : 0));
	}
	spin_unlock_bh(lock);
	return updates;
}

/**
 * lc_record_close() - move an active connection to another phase
 * @records: the namespace's
 * @key: the connection's key; there may be no record with it
 * @phase: the new phase
 *
 * Context: any, under rcu_read_lock().
 * Return: true if there is a record, and it was active until now.
 */
bool lc_record_close(struct lc_records *records,
		     const struct lc_record_key *key, enum lc_phase phase)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	bool closes;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	closes = record && lc_phase_is_active(lc_record_phase(record));
	if (closes)
		record_update(record, &record->dests, phase, false);
	spin_unlock_bh(lock);
	return closes;
}

static void record_end_in(struct lc_backend *backend, enum lc_phase phase)
{
	if (backend)
		lc_backend_count_ended(backend, phase);
}

/**
 * lc_record_end() - stop counting a connection, without updating schedulers
 * @records: the namespace's
 * @key: the connection's key; there may be no record with it
 * @dests: receives the backends that have counted it
 *
 * What this takes does not grow with the pools: see lc_backend_count_ended().
 *
 * Context: any, under rcu_read_lock(), which keeps the backends in @dests.
 * Return: true if there is a record, and it was active until now.
 */
bool lc_record_end(struct lc_records *records, const struct lc_record_key *key,
		   struct lc_dests *dests)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	enum lc_phase phase;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	phase = record ? lc_record_phase(record) : LC_ENDED;
	if (phase != LC_ENDED) {
		*dests = record->dests;
		record_end_in(dests->exact, phase);
		record_end_in(dests->any_port, phase);
		WRITE_ONCE(record->marks, (record->marks & ~LC_PHASE) | LC_ENDED);
	}
	spin_unlock_bh(lock);
	return lc_phase_is_active(phase);
}

/**
 * lc_record_mark_judged() - judge a backend by an active connection, once and for all
 * @records: the namespace's
 * @key: the connection's key; there may be no record with it
 *
 * Context: any.
 * Return: the record's marks of LC_ORIGIN; 0 if there is no active record of a
 *	connection that the hook saw begin, or a backend has been judged by it.
 */
u16 lc_record_mark_judged(struct lc_records *records,
			  const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	u16 origin = 0;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	if (record && lc_phase_is_active(lc_record_phase(record)) &&
	    (record->marks & (LC_WITNESSED | LC_JUDGED)) == LC_WITNESSED) {
		origin = record->marks & LC_ORIGIN;
		WRITE_ONCE(record->marks, record->marks | LC_JUDGED);
	}
	spin_unlock_bh(lock);
	return origin;
}

static struct lc_record *record_find_choice(const struct lc_records *records,
					    const struct lc_table *table,
					    const struct lc_choice *choice)
{
	struct lc_record *record;
	struct lc_node *node;

	node = lc_table_bucket(table, choice->hash)->first;
	for (; node; node = node->next) {
		record = container_of(node, struct lc_record, node);
		if ((record->dests.exact == choice->backend ||
		     record->dests.any_port == choice->backend) &&
		    lc_record_hash(records, &record->key) == choice->hash)
			return record;
	}
	return NULL;
}

/**
 * lc_record_claim() - a rule has chosen the backend of a connection that is recorded
 * @records: the namespace's
 * @choice: the choice; its backend is only compared
 *
 * Its packet has gone to another processor after the choice.
 *
 * Context: any, under rcu_read_lock().
 * Return: false if there is no record of this connection with this backend.
 */
bool lc_record_claim(struct lc_records *records, const struct lc_choice *choice)
{
	struct lc_record *record;

	if (!READ_ONCE(records->open))
		return false;
	spin_lock_bh(lc_table_lockptr(&records->young, choice->hash));
	record = record_find_choice(records, &records->young, choice) ?:
		 record_find_choice(records, &records->old, choice);
	if (record)
		WRITE_ONCE(record->marks, record->marks | choice->origin);
	spin_unlock_bh(lc_table_lockptr(&records->young, choice->hash));
	return record;
}

/**
 * lc_record_give_up() - the backend of a connection has not answered it in time
 * @records: the namespace's
 * @key: the connection's key; there may be no record with it
 *
 * An answer is still taken. The client's next SYN goes to another backend.
 *
 * Context: any.
 */
void lc_record_give_up(struct lc_records *records, const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	if (record && lc_phase_is_active(lc_record_phase(record)))
		WRITE_ONCE(record->marks, record->marks | LC_GIVEN_UP);
	spin_unlock_bh(lock);
}

/**
 * lc_record_is_given_up() - has lc_record_give_up() been called for a connection?
 * @records: the namespace's
 * @key: the connection's key; there may be no record with it
 *
 * Context: any.
 * Return: true if it has.
 */
bool lc_record_is_given_up(struct lc_records *records,
			   const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	const struct lc_record *record;
	bool given_up;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	given_up = record && record->marks & LC_GIVEN_UP;
	spin_unlock_bh(lock);
	return given_up;
}

/*
 * The tries of a connection. If its young record supersedes an old one that awaited a
 * retry, the tries of the old one count, too.
 */
static unsigned int record_all_tries(const struct lc_records *records, u32 hash,
				     const struct lc_record *record)
{
	const struct lc_record *old = record_find_in_table(&records->old, hash,
							   &record->key);
	unsigned int tries = FIELD_GET(LC_TRIES, record->marks);

	if (!old || !lc_record_awaits_retry(old))
		return tries;
	return max_t(unsigned int, tries, FIELD_GET(LC_TRIES, old->marks));
}

/**
 * lc_record_start_retry() - take a connection from its backend, to redispatch it
 * @records: the namespace's
 * @key: the connection's key; there may be no record with it
 *
 * No backend counts the connection until its client retries.
 *
 * Context: any, under rcu_read_lock().
 * Return: false if there is no record, or the connection was redispatched
 *	%LC_MAX_TRIES times.
 */
bool lc_record_start_retry(struct lc_records *records,
			   const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_record *record;
	unsigned int tries = 0;

	spin_lock_bh(lock);
	record = record_find(records, hash, key);
	if (record)
		tries = record_all_tries(records, hash, record) + 1;
	if (tries > LC_MAX_TRIES)
		tries = 0;
	if (tries) {
		record_update(record, &record->dests, LC_ENDED, false);
		WRITE_ONCE(record->marks, (record->marks & (LC_PHASE | LC_YOUNG)) |
			   LC_CHECKED | FIELD_PREP(LC_TRIES, tries));
	}
	spin_unlock_bh(lock);
	return tries;
}

/* A young record that supersedes an old one takes over its tries. */
static void record_inherit_tries(const struct lc_records *records, u32 hash,
				 struct lc_record *young)
{
	unsigned int tries = record_all_tries(records, hash, young);

	WRITE_ONCE(young->marks, (young->marks & ~LC_TRIES) |
				 FIELD_PREP(LC_TRIES, tries));
}

/**
 * lc_record_is_superseded() - is there a young record with an old record's key?
 * @records: the namespace's
 * @record: a record, young or old; its lock is held
 *
 * Then conntrack's entry with this key belongs to the young record, and the caller
 * frees @record. The young record takes over its tries.
 *
 * Context: any.
 * Return: true if there is; false for a young record.
 */
bool lc_record_is_superseded(const struct lc_records *records,
			     const struct lc_record *record)
{
	u32 hash = lc_record_hash(records, &record->key);
	struct lc_record *young;

	if (record->marks & LC_YOUNG)
		return false;
	young = record_find_in_table(&records->young, hash, &record->key);
	if (young)
		record_inherit_tries(records, hash, young);
	return young;
}

/*
 * The old record continues as the record of the young one's connection. The young
 * record gets the counts of the connection that has ended; they end when it is freed.
 */
static void record_replace_old(struct lc_record *old, struct lc_record *young)
{
	u16 marks = old->marks;

	swap(old->dests, young->dests);
	old->bucket = young->bucket;
	WRITE_ONCE(old->marks, young->marks & ~LC_YOUNG);
	WRITE_ONCE(young->marks, (marks & ~LC_YOUNG) | LC_YOUNG);
}

/**
 * lc_record_make_old() - move a record from the young ones to the old ones
 * @records: the namespace's
 * @record: the record, young or old; its lock is held. Only the gc calls this
 *
 * If there is an old record with the same key, its connection has ended unnoticed.
 * Then the old record continues as the record of this connection.
 *
 * Context: any, under rcu_read_lock().
 * Return: false if that was so: @record is freed.
 */
bool lc_record_make_old(struct lc_records *records, struct lc_record *record)
{
	u32 hash = lc_record_hash(records, &record->key);
	struct lc_table *young = &records->young, *old = &records->old;
	struct lc_record *older;

	if (!(record->marks & LC_YOUNG))
		return true;
	older = record_find_in_table(old, hash, &record->key);
	if (older) {
		record_inherit_tries(records, hash, record);
		record_replace_old(older, record);
		lc_record_del(records, record);
		return false;
	}
	lc_table_del(young, lc_table_bucket(young, hash), &record->node);
	lc_table_add(old, lc_table_bucket(old, hash), hash, &record->node);
	WRITE_ONCE(record->marks, record->marks & ~LC_YOUNG);
	return true;
}

/**
 * lc_record_prefetch_old() - prefetch the bucket for lc_record_make_old()
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
 * lc_record_del() - stop counting a connection, and free its record
 * @records: the namespace's
 * @record: the record; its lock is held. Only the gc calls this
 *
 * Context: any, under rcu_read_lock().
 */
void lc_record_del(struct lc_records *records, struct lc_record *record)
{
	const u32 hash = lc_record_hash(records, &record->key);
	const struct lc_dests none = {};
	struct lc_table *table = record->marks & LC_YOUNG ? &records->young :
							    &records->old;

	record_update(record, &none, LC_ENDED, false);
	lc_table_del(table, lc_table_bucket(table, hash), &record->node);
	lc_record_free(record);
}

static void record_visit(const struct lc_table *table, unsigned int part,
			 void (*visit)(const struct lc_record *record, void *data),
			 void *data)
{
	const struct lc_node *node;
	u32 index;

	for (index = part; index < READ_ONCE(table->size); index += LC_TABLE_LOCKS) {
		node = lc_table_bucket_at(table, index)->first;
		for (; node; node = node->next)
			visit(container_of(node, struct lc_record, node), data);
	}
}

/**
 * lc_records_visit() - call a function for each record of a part
 * @records: the namespace's; they are open
 * @part: the part of the records, 0 to %LC_TABLE_LOCKS - 1
 * @visit: the function; called under a lock, bottom halves off
 * @data: passed to @visit
 *
 * Context: process.
 */
void lc_records_visit(struct lc_records *records, unsigned int part,
		      void (*visit)(const struct lc_record *record, void *data),
		      void *data)
{
	spinlock_t *lock = &records->locks[part];

	spin_lock_bh(lock);
	record_visit(&records->young, part, visit, data);
	record_visit(&records->old, part, visit, data);
	spin_unlock_bh(lock);
}

/**
 * struct collection - keys that lc_records_collect() has found
 * @wanted: as for lc_records_collect()
 * @keys: as for lc_records_collect()
 * @max: as for lc_records_collect()
 * @found: how many connections are selected
 */
struct collection {
	bool			(*wanted)(const struct lc_dests *dests);
	struct lc_record_key	*keys;
	unsigned int		max;
	unsigned int		found;
};

static void collect_key(const struct lc_record *record, void *data)
{
	struct collection *collection = data;

	if (lc_record_phase(record) == LC_ENDED ||
	    !collection->wanted(&record->dests))
		return;
	if (collection->found < collection->max)
		collection->keys[collection->found] = record->key;
	collection->found++;
}

/**
 * lc_records_collect() - collect the keys of connections by their backends
 * @records: the namespace's; they are open
 * @part: the part of the records to search, 0 to %LC_TABLE_LOCKS - 1
 * @wanted: selects the connections; called under a lock, bottom halves off
 * @keys: receives the keys
 * @max: room in @keys
 *
 * Context: process.
 * Return: how many connections of this part are selected; may be more than @max.
 */
unsigned int lc_records_collect(struct lc_records *records, unsigned int part,
				bool (*wanted)(const struct lc_dests *dests),
				struct lc_record_key *keys, unsigned int max)
{
	struct collection collection = {
		.wanted	= wanted,
		.keys	= keys,
		.max	= max,
	};

	lc_records_visit(records, part, collect_key, &collection);
	return collection.found;
}
