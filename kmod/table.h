/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_TABLE_H
#define LC_TABLE_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/log2.h>
#include <linux/prefetch.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/**
 * LC_TABLE_MIN - the smallest number of buckets; it is large enough for a burst of new
 * nodes that arrives before the table grows
 */
#define LC_TABLE_MIN	4096U
/** LC_TABLE_BITS - log2 of LC_TABLE_MIN */
#define LC_TABLE_BITS	ilog2(LC_TABLE_MIN)
/** LC_TABLE_PARTS - the largest number of parts; each is twice as large as the last one */
#define LC_TABLE_PARTS	15
/** LC_TABLE_MAX - the largest number of buckets */
#define LC_TABLE_MAX	((LC_TABLE_MIN << LC_TABLE_PARTS) - LC_TABLE_MIN)
/** LC_TABLE_LOCKS - the number of locks: a power of two, LC_TABLE_MIN at most */
#define LC_TABLE_LOCKS	256

/**
 * struct lc_node - links an object into a table
 * @next: the next node of the bucket; protected by the lock of the node's hash
 */
struct lc_node {
	struct lc_node	*next;
};

/**
 * struct lc_bucket - a chain of nodes
 * @first: the first node, or NULL
 * @seen: lc_bucket_bit() of the hash of each node; maybe more bits
 */
struct lc_bucket {
	struct lc_node	*first;
	unsigned long	seen;
};

/**
 * struct lc_table - a hash table that grows and shrinks by one bucket at a time
 * @locks: each protects the nodes with the same last bits in their hash, whatever the size
 *	of the table; two tables may share their locks
 * @size: how many buckets are in use. Only @resize writes it, under the lock of the two
 *	buckets that it splits or merges
 * @mask: the last bits of a hash that are an index of a bucket; follows @size
 * @parts: the buckets. The first part has LC_TABLE_MIN, each other part twice as many
 *	as the one before
 * @hash: returns the hash that a node was added with
 * @owner: passed to @hash
 * @count: how many nodes there are
 * @resize: makes @size fit @count
 */
struct lc_table {
	spinlock_t		*locks;	/* for the nodes */
	u32			size;
	u32			mask;
	struct lc_bucket	*parts[LC_TABLE_PARTS];
	u32			(*hash)(const void *owner,
					const struct lc_node *node);
	const void		*owner;
	atomic_t		count;
	struct work_struct	resize;
};

spinlock_t *lc_table_locks_alloc(void);	/* for one or more tables */
void lc_table_locks_free(spinlock_t *locks);
int lc_table_init(struct lc_table *table, spinlock_t *locks,
		  u32 (*hash)(const void *owner, const struct lc_node *node),
		  const void *owner);
void lc_table_exit(struct lc_table *table,
		   void (*free_node)(struct lc_node *node));

/**
 * lc_table_lockptr() - the lock that protects the nodes with a hash
 * @table: the table
 * @hash: the hash
 *
 * Context: any. The lock is taken with bottom halves off.
 * Return: the lock.
 */
static inline spinlock_t *lc_table_lockptr(const struct lc_table *table, u32 hash)
{
	return &table->locks[hash % LC_TABLE_LOCKS];
}

/**
 * lc_table_count() - count the nodes
 * @table: the table
 *
 * Context: any.
 * Return: how many there are.
 */
static inline unsigned int lc_table_count(const struct lc_table *table)
{
	return atomic_read(&table->count);
}

/*
 * The position of a bucket is its index plus LC_TABLE_MIN. So each part starts at a
 * position that is a power of two: the top bit of a position tells the part, and the
 * other bits are the index within the part.
 */
static inline u32 lc_table_position(u32 index)
{
	return index + LC_TABLE_MIN;
}

static inline unsigned long lc_table_part(u32 index)
{
	return __fls(lc_table_position(index)) - LC_TABLE_BITS;
}

static inline u32 lc_table_start(unsigned long part)
{
	return 1U << (part + LC_TABLE_BITS);
}

static inline struct lc_bucket *lc_table_bucket_at(const struct lc_table *table, u32 index)
{
	unsigned long part = lc_table_part(index);

	return &READ_ONCE(table->parts[part])[lc_table_position(index) ^
					      lc_table_start(part)];
}

/*
 * Without the lock of @hash the result may be out of date, and the memory may have been
 * freed.
 */
static inline struct lc_bucket *__lc_table_bucket(const struct lc_table *table,
						  u32 hash)
{
	u32 mask = READ_ONCE(table->mask);
	u32 index = hash & mask;

	return lc_table_bucket_at(table, index < READ_ONCE(table->size) ?
				  index : index & (mask >> 1));
}

/**
 * lc_table_prefetch() - prefetch the bucket for a hash
 * @table: the table
 * @hash: the hash; its lock is not needed
 *
 * The buckets of a large table are not in the cache.
 *
 * Context: any.
 */
static inline void lc_table_prefetch(const struct lc_table *table, u32 hash)
{
	prefetchw(__lc_table_bucket(table, hash));
}

/**
 * lc_table_bucket() - the bucket for a hash
 * @table: the table
 * @hash: the hash; its lock is held
 *
 * Context: any.
 * Return: the bucket; valid while the lock is held.
 */
static inline struct lc_bucket *lc_table_bucket(const struct lc_table *table,
						u32 hash)
{
	lockdep_assert_held(lc_table_lockptr(table, hash));

	return __lc_table_bucket(table, hash);
}

/* By the first bits of the hash: all nodes of a bucket have the same last bits. */
static inline unsigned long lc_bucket_bit(u32 hash)
{
	return BIT(hash >> (32 - ilog2(BITS_PER_LONG)));
}

/**
 * lc_bucket_may_have() - may a bucket have a node with this hash?
 * @bucket: the bucket of @hash; its lock is held
 * @hash: the hash
 *
 * The nodes of a large table are not in the cache. Most searches for a node that does
 * not exist end here, without a cache miss.
 *
 * Context: any.
 * Return: false if it has none.
 */
static inline bool lc_bucket_may_have(const struct lc_bucket *bucket, u32 hash)
{
	return bucket->seen & lc_bucket_bit(hash);
}

/* @hash is the hash of @node; its lock is held. */
static inline void lc_bucket_push(struct lc_bucket *bucket, u32 hash,
				  struct lc_node *node)
{
	node->next = bucket->first;
	bucket->first = node;
	bucket->seen |= lc_bucket_bit(hash);
}

static inline bool lc_table_is_crowded(const struct lc_table *table)
{
	return lc_table_count(table) > READ_ONCE(table->size);
}

void lc_table_resize(struct lc_table *table);

/**
 * lc_table_add() - add a node
 * @table: the table
 * @bucket: the bucket of @hash; its lock is held
 * @hash: the hash of the node
 * @node: the node
 *
 * Context: any.
 */
static inline void lc_table_add(struct lc_table *table,
				struct lc_bucket *bucket, u32 hash,
				struct lc_node *node)
{
	lc_bucket_push(bucket, hash, node);
	atomic_inc(&table->count);
	if (unlikely(lc_table_is_crowded(table)))
		lc_table_resize(table);
}

void lc_table_del(struct lc_table *table, struct lc_bucket *bucket,
		  struct lc_node *node);

#endif /* LC_TABLE_H */
