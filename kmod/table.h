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

/** LC_TABLE_MIN - buckets there are at least; a burst comes before growth does */
#define LC_TABLE_MIN	4096U
/** LC_TABLE_BITS - its logarithm */
#define LC_TABLE_BITS	ilog2(LC_TABLE_MIN)
/** LC_TABLE_PARTS - how many there may be, each twice as large as the last */
#define LC_TABLE_PARTS	15
/** LC_TABLE_MAX - buckets there are at most */
#define LC_TABLE_MAX	((LC_TABLE_MIN << LC_TABLE_PARTS) - LC_TABLE_MIN)
/** LC_TABLE_LOCKS - a power of two, not more than LC_TABLE_MIN */
#define LC_TABLE_LOCKS	256

/**
 * struct lc_node - what is in a table
 * @next: in its bucket; the bucket's lock
 */
struct lc_node {
	struct lc_node	*next;
};

/**
 * struct lc_bucket - nodes whose hashes have the same last bits
 * @first: the first of them, or NULL
 * @seen: the bits that lc_table_bit() says of their hashes, each
 */
struct lc_bucket {
	struct lc_node	*first;
	unsigned long	seen;
};

/**
 * struct lc_table - a hash table that grows and shrinks a bucket at a time
 * @locks: of the nodes whose hash ends alike, whatever the table's size; another
 *	table of the same nodes may have the same
 * @size: buckets in use; written by @resize under the lock of the two it is about
 * @mask: the bits of a hash that may be a bucket's; follows @size
 * @parts: the buckets: the first LC_TABLE_MIN, then twice as many, and so on
 * @hash: of a node, as it was added with
 * @owner: what @hash needs to know
 * @count: nodes
 * @resize: makes @size fit @count
 */
struct lc_table {
	spinlock_t		*locks;	/* of the nodes */
	u32			size;
	u32			mask;
	struct lc_bucket	*parts[LC_TABLE_PARTS];
	u32			(*hash)(const void *owner,
					const struct lc_node *node);
	const void		*owner;
	atomic_t		count;
	struct work_struct	resize;
};

spinlock_t *lc_table_locks_alloc(void);	/* for one table or more */
void lc_table_locks_free(spinlock_t *locks);
int lc_table_init(struct lc_table *table, spinlock_t *locks,
		  u32 (*hash)(const void *owner, const struct lc_node *node),
		  const void *owner);
void lc_table_exit(struct lc_table *table,
		   void (*free_node)(struct lc_node *node));

/**
 * lc_table_lockptr() - what protects the nodes with this hash
 * @table: the table
 * @hash: the hash
 *
 * Context: any. To be taken with bottom halves off.
 * Return: the lock.
 */
static inline spinlock_t *lc_table_lockptr(const struct lc_table *table, u32 hash)
{
	return &table->locks[hash % LC_TABLE_LOCKS];
}

/**
 * lc_table_count() - how many nodes there are
 * @table: the table
 *
 * Context: any.
 * Return: the number.
 */
static inline unsigned int lc_table_count(const struct lc_table *table)
{
	return atomic_read(&table->count);
}

/* Places are counted from LC_TABLE_MIN on, so that a part starts at a power of
 * two: a place's top bit says the part, the other bits where in it.
 */
static inline u32 lc_table_place(u32 at)
{
	return at + LC_TABLE_MIN;
}

static inline unsigned long lc_table_part(u32 at)
{
	return __fls(lc_table_place(at)) - LC_TABLE_BITS;
}

static inline u32 lc_table_start(unsigned long part)
{
	return 1U << (part + LC_TABLE_BITS);
}

static inline struct lc_bucket *lc_table_at(const struct lc_table *table, u32 at)
{
	unsigned long part = lc_table_part(at);

	return &READ_ONCE(table->parts[part])[lc_table_place(at) ^
					      lc_table_start(part)];
}

/* Without the hash's lock it may have been the bucket, or be nothing at all. */
static inline struct lc_bucket *lc_table_find(const struct lc_table *table,
					      u32 hash)
{
	u32 mask = READ_ONCE(table->mask);
	u32 at = hash & mask;

	return lc_table_at(table, at < READ_ONCE(table->size) ?
				  at : at & (mask >> 1));
}

/**
 * lc_table_prefetch() - a node with this hash will be looked for soon
 * @table: the table
 * @hash: the hash; its lock is not needed
 *
 * The bucket is fetched: of a large table it is in no cache.
 *
 * Context: any.
 */
static inline void lc_table_prefetch(const struct lc_table *table, u32 hash)
{
	prefetchw(lc_table_find(table, hash));
}

/**
 * lc_table_bucket() - where the nodes with this hash are
 * @table: the table
 * @hash: the hash; its lock is held
 *
 * Context: any.
 * Return: the bucket, while the lock is held.
 */
static inline struct lc_bucket *lc_table_bucket(const struct lc_table *table,
						u32 hash)
{
	lockdep_assert_held(lc_table_lockptr(table, hash));

	return lc_table_find(table, hash);
}

/* By the other end of the hash than the bucket is. */
static inline unsigned long lc_table_bit(u32 hash)
{
	return BIT(hash >> (32 - ilog2(BITS_PER_LONG)));
}

/**
 * lc_table_may_have() - is there possibly a node with this hash?
 * @bucket: of the hash, whose lock is held
 * @hash: the hash
 *
 * Of a large table the nodes are in no cache: most who look for one that is
 * not there need not go and see.
 *
 * Context: any.
 * Return: false when there is none.
 */
static inline bool lc_table_may_have(const struct lc_bucket *bucket, u32 hash)
{
	return bucket->seen & lc_table_bit(hash);
}

/* Under the lock of @hash, which is @node's. */
static inline void lc_bucket_push(struct lc_bucket *bucket, u32 hash,
				  struct lc_node *node)
{
	node->next = bucket->first;
	bucket->first = node;
	bucket->seen |= lc_table_bit(hash);
}

static inline bool lc_table_is_crowded(const struct lc_table *table)
{
	return lc_table_count(table) > READ_ONCE(table->size);
}

void lc_table_resize(struct lc_table *table);

/**
 * lc_table_add() - put a node into its bucket
 * @table: the table
 * @bucket: of its hash, whose lock is held
 * @hash: the hash
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
