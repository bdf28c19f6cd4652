/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_RECORD_H
#define LC_RECORD_H

#include <linux/bitfield.h>
#include <linux/errno.h>
#include <linux/llist.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "backend.h"
#include "hint.h"
#include "table.h"

struct lc_choice;

/**
 * struct lc_record_key - identifies a conntrack entry by its original direction
 * @src: source address; unused bytes are zero
 * @dst: destination address before translation; unused bytes are zero
 * @src_id: source port, or what the protocol has instead
 * @dst_id: destination port before translation, or what the protocol has instead
 * @zone: conntrack zone id
 * @proto: layer-4 protocol
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @rest: everything but the addresses, as one word
 *
 * A key holds no reference to the entry.
 */
struct lc_record_key {
	union nf_inet_addr	src;
	union nf_inet_addr	dst;
	union {
		struct {
			__be16	src_id;
			__be16	dst_id;
			u16	zone;
			u8	proto;
			u8	family;
		};
		u64		rest;
	};
};

/* enum lc_phase that the connection is counted in */
#define LC_PHASE	GENMASK(1, 0)
/* The record is in lc_records.young: the gc has not yet checked and kept it. */
#define LC_YOUNG	BIT(2)
/* The gc has checked the record since the connection began or was renewed. */
#define LC_CHECKED	BIT(3)
/* The hook saw the connection begin: a backend can be judged by it. */
#define LC_WITNESSED	BIT(4)
/* A backend has been judged by it, or will not be: its answer or failure is no news. */
#define LC_JUDGED	BIT(5)
/* BIT(6) and BIT(7) are LC_FREE and LC_LED of hint.h. */
/* How often the connection was redispatched. */
#define LC_TRIES	GENMASK(9, 8)
/*
 * Of an active connection: checks that found no answer yet. Of one that was redispatched:
 * rounds of the gc in which its client did not retry.
 */
#define LC_TIMES	GENMASK(12, 10)
/* A rule of this module chose the backend: it can be blamed for a failure. */
#define LC_CHOSEN	BIT(13)
/* The rule that chose redispatches failed connections. */
#define LC_REDISPATCH	BIT(14)
/* Its backend has not answered it: the client's next SYN goes to another one. */
#define LC_GIVEN_UP	BIT(15)
/* What is known of a new connection. */
#define LC_ORIGIN	(LC_WITNESSED | LC_CHOSEN | LC_REDISPATCH | LC_FREE | \
			 LC_LED)

/** LC_MAX_TRIES - how often a connection is redispatched at most */
#define LC_MAX_TRIES	3

/**
 * struct lc_record - a counted connection
 * @node: in lc_records.young or lc_records.old, until the record is freed
 * @key: constant
 * @bucket: conntrack's bucket that had the entry at the last check; 0: not known.
 *	The gc's alone
 * @marks: LC_PHASE, LC_YOUNG and so on; each has one meaning
 * @due: the gc's tick for the next check; the gc's alone
 * @dests: the backends that count the connection; a reference to each
 * @queue: in lc_gc.fresh, or in a queue of the gc
 *
 * @marks and @dests are written under lc_record_lockptr(). The gc also reads
 * them without the lock.
 *
 * A record holds no reference to its conntrack entry: references break early drop
 * and make the exit of a namespace spin.
 */
struct lc_record {
	struct lc_node		node;
	struct lc_record_key	key;
	u32			bucket;
	u16			marks;
	u16			due;
	struct lc_dests		dests;
	struct llist_node	queue;
};

static inline enum lc_phase lc_record_phase(const struct lc_record *record)
{
	return READ_ONCE(record->marks) & LC_PHASE;
}

/**
 * struct lc_records - the records of a network namespace
 * @young: records that the gc has not yet checked and kept, by key
 * @old: all other records, by key
 * @locks: protect the records of both tables. They are taken inside conntrack's
 *	locks, so nothing that takes a lock of conntrack may be called under them. The
 *	locks of schedulers nest inside
 * @random: for the hash of both tables
 * @open: the tables are allocated, and the namespace has not ended. Read under RCU
 */
struct lc_records {
	struct lc_table		young;
	struct lc_table		old;
	spinlock_t		*locks;	/* for the nodes of both tables */
	u64			random[10];
	bool			open;
};

/* Functions that every new connection calls are inline. */

/*
 * Multilinear-HM from D. Lemire and O. Kaser, "Strongly universal string hashing is
 * fast", 2014: with unknown random numbers two keys collide once in 2^32.
 *
 * Six words of an IPv4 key are always zero, and are skipped. The last two words are
 * composed from the members of the key. A new record is not in the cache, and its
 * members have just been written one by one: a read of them as a word would wait
 * until they have reached the cache.
 */
static __always_inline u32 lc_record_hash(const struct lc_records *records,
					  const struct lc_record_key *key)
{
	const u64 *random = records->random;
	const u32 *src = key->src.all, *dst = key->dst.all;
	u32 ids = (u32)(__force u16)key->src_id << 16 |
		  (__force u16)key->dst_id;
	u32 rest = (u32)key->zone << 8 | key->proto;
	u64 sum = (random[0] + src[0]) * (random[1] + dst[0]) +
		  (random[2] + ids) * (random[3] + rest);

	if (key->family != NFPROTO_IPV4)
		sum += (random[4] + src[1]) * (random[5] + dst[1]) +
		       (random[6] + src[2]) * (random[7] + dst[2]) +
		       (random[8] + src[3]) * (random[9] + dst[3]);
	return sum >> 32;
}

/**
 * lc_record_prefetch() - prefetch the bucket for lc_record_add()
 * @records: the namespace's
 * @key: the key of the record
 *
 * Context: any.
 * Return: the hash of @key.
 */
static __always_inline u32 lc_record_prefetch(const struct lc_records *records,
					      const struct lc_record_key *key)
{
	u32 hash = lc_record_hash(records, key);

	lc_table_prefetch(&records->young, hash);
	return hash;
}

extern struct kmem_cache *lc_record_cache;

int lc_record_init(void);
void lc_record_exit(void);
int lc_records_open(struct lc_records *records);
void lc_records_stop(struct lc_records *records);
void lc_records_close(struct lc_records *records);

/**
 * lc_records_count() - count the records
 * @records: the namespace's
 *
 * Context: any.
 * Return: how many there are.
 */
static inline unsigned int
lc_records_count(const struct lc_records *records)
{
	return lc_table_count(&records->young) + lc_table_count(&records->old);
}

/**
 * lc_records_are_full() - has a namespace as many records as it may have?
 * @records: the namespace's
 * @max: how many entries conntrack may have in the namespace; 0: no limit
 *
 * The limit is 2 * @max: the record of an entry that has ended remains until its
 * next check.
 *
 * Context: any.
 * Return: true if it has.
 */
static inline bool lc_records_are_full(const struct lc_records *records,
				       unsigned int max)
{
	return max && lc_records_count(records) / 2 >= max;
}

/** LC_SPARES - how many records a processor allocates at once */
#define LC_SPARES	16U

/**
 * struct lc_spares - records that a processor has allocated in advance
 * @n: how many
 * @records: these
 *
 * One of several that are allocated at once costs much less than one alone.
 *
 * Used with bottom halves off.
 */
struct lc_spares {
	unsigned int		n;
	struct lc_record	*records[LC_SPARES];
};

DECLARE_PER_CPU(struct lc_spares, lc_spares);

struct lc_record *lc_record_alloc_several(void);

/**
 * lc_record_alloc() - allocate a record
 *
 * The caller fills its key.
 *
 * Context: bottom halves off. Does not sleep.
 * Return: the record, or NULL.
 */
static inline struct lc_record *lc_record_alloc(void)
{
	struct lc_spares *spares = this_cpu_ptr(&lc_spares);

	return likely(spares->n) ? spares->records[--spares->n] :
				   lc_record_alloc_several();
}

static inline void lc_record_free(struct lc_record *record)
{
	kmem_cache_free(lc_record_cache, record);
}

static inline bool lc_record_key_equal(const struct lc_record_key *a,
				       const struct lc_record_key *b)
{
	return a->rest == b->rest && nf_inet_addr_cmp(&a->src, &b->src) &&
	       nf_inet_addr_cmp(&a->dst, &b->dst);
}

/**
 * lc_record_find_in_bucket() - find the record with a key in a bucket
 * @bucket: the bucket of @hash; its lock is held
 * @hash: the hash of @key
 * @key: the key
 *
 * Context: any.
 * Return: the record, valid while the lock is held, or NULL.
 */
static inline struct lc_record *
lc_record_find_in_bucket(const struct lc_bucket *bucket, u32 hash,
			 const struct lc_record_key *key)
{
	struct lc_record *record;
	struct lc_node *node;

	if (!lc_bucket_may_have(bucket, hash))
		return NULL;
	for (node = bucket->first; node; node = node->next) {
		record = container_of(node, struct lc_record, node);
		if (lc_record_key_equal(&record->key, key))
			return record;
	}
	return NULL;
}

/**
 * lc_record_add() - count a connection from now on
 * @records: the namespace's
 * @record: from lc_record_alloc(), with its key; freed on error
 * @dests: the backends that count the connection
 * @phase: the phase of the connection
 * @hash: lc_record_hash() of its key
 * @origin: marks of LC_ORIGIN
 *
 * A backend that has no users any more does not count the connection.
 *
 * Context: bottom halves off, under rcu_read_lock(). Does not sleep.
 * Return: 0, or -EEXIST if there is a young record with this key.
 */
static inline int lc_record_add(struct lc_records *records,
				struct lc_record *record,
				const struct lc_dests *dests,
				enum lc_phase phase, u32 hash, u16 origin)
{
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_bucket *bucket;

	record->bucket = 0;
	record->marks = LC_YOUNG | phase | origin;
	spin_lock(lock);
	bucket = lc_table_bucket(&records->young, hash);
	if (unlikely(lc_record_find_in_bucket(bucket, hash, &record->key))) {
		spin_unlock(lock);
		lc_record_free(record);
		return -EEXIST;
	}
	record->dests = *dests;
	if (dests->exact && !lc_backend_count_new(dests->exact, phase))
		record->dests.exact = NULL;
	if (dests->any_port && !lc_backend_count_new(dests->any_port, phase))
		record->dests.any_port = NULL;
	lc_table_add(&records->young, bucket, hash, &record->node);
	spin_unlock(lock);
	return 0;
}

bool lc_record_exists(struct lc_records *records, const struct lc_record_key *key);
int lc_record_renew(struct lc_records *records,
		    const struct lc_record_key *key,
		    const struct lc_dests *dests, enum lc_phase phase,
		    bool begins, u16 origin);
unsigned int lc_dests_updates(const struct lc_dests *dests);

/* The connection was redispatched, and its client has not retried yet. */
static inline bool lc_record_awaits_retry(const struct lc_record *record)
{
	return lc_record_phase(record) == LC_ENDED &&
	       (record->marks & LC_TRIES);
}

bool lc_record_close(struct lc_records *records,
		     const struct lc_record_key *key, enum lc_phase phase);
bool lc_record_end(struct lc_records *records, const struct lc_record_key *key,
		   struct lc_dests *dests);
u16 lc_record_mark_judged(struct lc_records *records,
			  const struct lc_record_key *key);
bool lc_record_claim(struct lc_records *records, const struct lc_choice *choice);
void lc_record_give_up(struct lc_records *records,
		       const struct lc_record_key *key);
bool lc_record_is_given_up(struct lc_records *records,
			   const struct lc_record_key *key);
bool lc_record_start_retry(struct lc_records *records,
			   const struct lc_record_key *key);

spinlock_t *lc_record_lockptr(const struct lc_records *records,
			      const struct lc_record_key *key);
void lc_record_set(struct lc_records *records, struct lc_record *record,
		   const struct lc_dests *dests, enum lc_phase phase);
bool lc_record_is_superseded(const struct lc_records *records,
			     const struct lc_record *record);
bool lc_record_make_old(struct lc_records *records, struct lc_record *record);
void lc_record_prefetch_old(const struct lc_records *records,
			    const struct lc_record *record);
unsigned int lc_records_collect(struct lc_records *records, unsigned int part,
				bool (*wanted)(const struct lc_dests *dests),
				struct lc_record_key *keys, unsigned int max);
void lc_records_visit(struct lc_records *records, unsigned int part,
		      void (*visit)(const struct lc_record *record, void *data),
		      void *data);
void lc_record_del(struct lc_records *records, struct lc_record *record);

#endif /* LC_RECORD_H */
