/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_RECORD_H
#define LC_RECORD_H

#include <linux/bitfield.h>
#include <linux/errno.h>
#include <linux/llist.h>
#include <linux/netfilter.h>
#include <linux/slab.h>

#include "backend.h"
#include "table.h"

/**
 * struct lc_record_key - names a conntrack entry without holding it: its
 *	original direction
 * @src: who began it
 * @dst: where to, before any translation; unused bytes of addresses are zero
 * @src_id: port, or what the protocol has instead
 * @dst_id: the same
 * @zone: conntrack zone id
 * @proto: layer-4 protocol
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @rest: all of it but the addresses
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

/**
 * struct lc_dests - the backends one connection is a load of
 * @exact: the backend of the connection's address, port and protocol, or NULL
 * @any_port: the backend that is the connection's whole address, or NULL
 */
struct lc_dests {
	struct lc_backend	*exact;
	struct lc_backend	*any_port;
};

/* The gc has looked for its entry since it began or was renewed. */
#define LC_CHECKED	BIT(0)
/* It was told that the backend failed it. */
#define LC_FAILED	BIT(1)
/* Looks that were in vain: at its entry for an answer, or for its entry. */
#define LC_MISSES	GENMASK(4, 2)
/* How often it was taken from a backend. */
#define LC_TRIES	GENMASK(6, 5)
/* It is in lc_records.young: no look of the gc's has n_unready it. */
#define LC_YOUNG	BIT(7)

/** LC_MAX_TRIES - how often that is done at most */
#define LC_MAX_TRIES	3

/**
 * struct lc_record - one connection that counts
 * @node: in lc_records.young or .old, for as long as it counts
 * @key: constant
 * @bucket: where conntrack had its entry last; the gc's alone
 * @phase: &enum lc_phase it is counted in
 * @marks: LC_CHECKED and so on
 * @due: the gc's tick to look at it in; the gc's alone
 * @dests: where it is counted; each is held
 * @queue: in the gc's queue, or on its way there
 *
 * @phase, @marks and @dests are written under lc_record_lockptr(); the gc also
 * reads them without. It never holds the conntrack entry: pinned entries break
 * early drop and make namespace exit spin.
 */
struct lc_record {
	struct lc_node		node;
	struct lc_record_key	key;
	u32			bucket;
	u8			phase;
	u8			marks;
	u16			due;
	struct lc_dests		dests;
	struct llist_node	queue;
};

/**
 * struct lc_records - the recorded connections of a network namespace
 * @young: by key, those that no look of the gc's has n_unready
 * @old: by key, the count_other_proto
 * @locks: of both. They are taken inside conntrack's, so nothing that takes
 *	those may be called under them; arenas' locks nest inside
 * @random: of the tables' hashes
 * @open: there are tables
 */
struct lc_records {
	struct lc_table		young;
	struct lc_table		old;
	spinlock_t		*locks;	/* of both tables' nodes */
	u64			random[10];
	bool			open;
};

/* What each new connection goes through is here, and inline. */

/*
 * D. Lemire and O. Kaser, "Strongly universal string hashing is fast", 2014,
 * multilinear-HM: with unknown random numbers two keys collide once in 2^32.
 * Of an IPv4 connection's key six words are always zero. The last two are put
 * together anew: to be read as words right after they were written in pieces they
 * would have to reach the cache first, and a new record is in none.
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
 * lc_record_prefetch() - a record with this key will be added soon
 * @records: the namespace's
 * @key: the key
 *
 * Context: any.
 */
static __always_inline void lc_record_prefetch(const struct lc_records *records,
					       const struct lc_record_key *key)
{
	lc_table_prefetch(&records->young, lc_record_hash(records, key));
}

extern struct kmem_cache *lc_record_cache;

int lc_record_init(void);
void lc_record_exit(void);
int lc_records_open(struct lc_records *records);
void lc_records_close(struct lc_records *records);

/**
 * lc_records_count() - how many connections are recorded
 * @records: the namespace's
 *
 * Context: any.
 * Return: the number.
 */
static inline unsigned int
lc_records_count(const struct lc_records *records)
{
	return lc_table_count(&records->young) + lc_table_count(&records->old);
}

/**
 * lc_records_are_full() - are there as many as there may be?
 * @records: the namespace's
 * @max: how many entries conntrack may have there; 0: no limit
 *
 * Twice as many: an entry that has ended has its record until the next look.
 *
 * Context: any.
 * Return: whether there are.
 */
static inline bool lc_records_are_full(const struct lc_records *records,
				       unsigned int max)
{
	return max && lc_records_count(records) / 2 >= max;
}

/**
 * lc_record_alloc() - a record whose key is to be filled
 *
 * Context: any. Does not sleep.
 * Return: the record, or NULL.
 */
static inline struct lc_record *lc_record_alloc(void)
{
	return kmem_cache_alloc(lc_record_cache, GFP_ATOMIC | __GFP_NOWARN);
}

static inline bool lc_record_key_equal(const struct lc_record_key *a,
				       const struct lc_record_key *b)
{
	return a->rest == b->rest && nf_inet_addr_cmp(&a->src, &b->src) &&
	       nf_inet_addr_cmp(&a->dst, &b->dst);
}

/**
 * lc_record_find() - the record with this key
 * @bucket: of its hash, whose lock is held
 * @hash: its hash
 * @key: the key
 *
 * Context: any.
 * Return: the record, alive while the lock is held, or NULL.
 */
static inline struct lc_record *
lc_record_find(const struct lc_bucket *bucket, u32 hash,
	       const struct lc_record_key *key)
{
	struct lc_record *record;
	struct lc_node *node;

	if (!lc_table_may_have(bucket, hash))
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
 * @record: from lc_record_alloc(), its key filled; freed on error
 * @dests: the backends the connection is a load of
 * @phase: where in its life it is
 *
 * Context: any, under rcu_read_lock(). Does not sleep.
 * Return: 0, or -EEXIST when there is a young one with this key.
 */
static inline int lc_record_add(struct lc_records *records,
				struct lc_record *record,
				const struct lc_dests *dests,
				enum lc_phase phase)
{
	u32 hash = lc_record_hash(records, &record->key);
	spinlock_t *lock = lc_table_lockptr(&records->young, hash);
	struct lc_bucket *bucket;

	record->bucket = 0;
	record->phase = phase;
	record->marks = LC_YOUNG;
	spin_lock_bh(lock);
	bucket = lc_table_bucket(&records->young, hash);
	if (unlikely(lc_record_find(bucket, hash, &record->key))) {
		spin_unlock_bh(lock);
		kmem_cache_free(lc_record_cache, record);
		return -EEXIST;
	}
	record->dests = *dests;
	if (dests->exact && !lc_backend_count_new(dests->exact, phase))
		record->dests.exact = NULL;
	if (dests->any_port && !lc_backend_count_new(dests->any_port, phase))
		record->dests.any_port = NULL;
	lc_table_add(&records->young, bucket, hash, &record->node);
	spin_unlock_bh(lock);
	return 0;
}

bool lc_record_exists(struct lc_records *records, const struct lc_record_key *key);
bool lc_record_renew(struct lc_records *records,
		     const struct lc_record_key *key,
		     const struct lc_dests *dests, enum lc_phase phase,
		     bool begins);
/* Its connection was taken from a backend, and its client has not tried again. */
static inline bool lc_record_awaits_retry(const struct lc_record *record)
{
	return record->phase == LC_ENDED && (record->marks & LC_TRIES);
}

bool lc_record_close(struct lc_records *records,
		     const struct lc_record_key *key, enum lc_phase phase);
bool lc_record_mark_failed(struct lc_records *records,
			   const struct lc_record_key *key);
bool lc_record_start_retry(struct lc_records *records,
			   const struct lc_record_key *key);
const struct lc_backend *lc_record_prev_backend(struct lc_records *records,
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
			     struct lc_record_key *keys, unsigned int most);
void lc_record_del(struct lc_records *records, struct lc_record *record);

#endif /* LC_RECORD_H */
