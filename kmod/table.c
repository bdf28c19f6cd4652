// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table that is resized without being copied: linear hashing (W. Litwin, 1980).
 *
 * The number of buckets need not be a power of two. If it is between 2^k and 2^(k+1), the
 * last k + 1 bits of a node's hash are the index of its bucket. If that bucket does not
 * exist yet, the last k bits are. So a new bucket takes nodes from one other bucket only,
 * the one with the same last k bits. When the last bucket is removed, its nodes go back
 * there. The table follows the number of its nodes in steps of one bucket: nothing waits
 * for a resize for long, and the table takes at most twice the memory that it needs.
 *
 * A bucket also has a word with one bit for each hash in it, out of 64. A search for a
 * node that does not exist looks at this word first. With one node in each bucket, 63 of
 * 64 such searches end there, without a cache miss for the node. Whenever a node is
 * deleted, the word is computed again from the nodes that remain.
 *
 * A lock protects all nodes whose hashes end in the same bits. These are fewer bits than
 * the index of a bucket has, so the two buckets of a resize step have the same lock. The
 * step is taken under it. So the holder of a lock finds each of its nodes in the bucket
 * that the current size tells, old or new. Readers take the lock, too: there are few of
 * them, and nodes need no grace period before they are freed.
 *
 * This is not an rhashtable. There kvmalloc() rounds the memory for buckets up to twice
 * the size. Readers need a grace period, so each record would need a lock of its own
 * (measured, see Documentation/performance.md).
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mem.h"
#include "table.h"

/* Buckets that one run of the work adds or removes: a fraction of a millisecond. */
#define LC_TABLE_RUN	4096U

static struct lc_bucket *table_alloc_part(unsigned int part, gfp_t flags)
{
	/* A part ends where the next one starts. */
	return kvcalloc(lc_table_start(part + 1) - lc_table_start(part),
			sizeof(struct lc_bucket), flags | __GFP_NOWARN);
}

static bool table_is_sparse(const struct lc_table *table)
{
	u32 size = READ_ONCE(table->size);

	return lc_table_count(table) < size / 4 && size > LC_TABLE_MIN;
}

/*
 * Grow by an eighth more than needed, if that takes no new part. Otherwise each new node
 * would queue the work, which costs more than to add the node.
 */
static bool table_should_grow(const struct lc_table *table)
{
	u32 count = lc_table_count(table), size = table->size;

	if (size < count)
		return true;
	return size < count + count / 8 && size < LC_TABLE_MAX &&
	       table->parts[lc_table_part(size)];
}

static bool table_should_shrink(const struct lc_table *table)
{
	return table->size > LC_TABLE_MIN &&
	       lc_table_count(table) < table->size / 2;
}

/* Move the nodes with @bit in their hash from bucket @from to the new bucket @to. */
static void table_split_bucket(struct lc_table *table, u32 from, u32 to, u32 bit)
{
	struct lc_bucket *low = lc_table_bucket_at(table, from);
	struct lc_bucket *high = lc_table_bucket_at(table, to);
	struct lc_node *node, *next;
	u32 hash;

	node = low->first;
	*low = *high = (struct lc_bucket) {};
	for (; node; node = next) {
		next = node->next;
		hash = table->hash(table->owner, node);
		lc_bucket_push(hash & bit ? high : low, hash, node);
	}
}

/*
 * A reader that holds another lock may see only one of the two writes. It still finds
 * its bucket: only a bucket that is being split or merged could be missed.
 */
static void table_set_size(struct lc_table *table, u32 size)
{
	WRITE_ONCE(table->size, size);
	WRITE_ONCE(table->mask, (1U << fls(size - 1)) - 1);
}

/* Return: false if memory is short. */
static bool table_ensure_part(struct lc_table *table, unsigned int part)
{
	if (!table->parts[part])
		WRITE_ONCE(table->parts[part],
			   table_alloc_part(part, GFP_KERNEL));
	return table->parts[part];
}

/* Add a bucket. Return: false if memory is short, or the table has LC_TABLE_MAX. */
static bool table_grow(struct lc_table *table)
{
	u32 size = table->size, half = 1U << (fls(size) - 1);
	spinlock_t *lock = lc_table_lockptr(table, size);

	if (size == LC_TABLE_MAX || !table_ensure_part(table, lc_table_part(size)))
		return false;
	spin_lock_bh(lock);
	table_split_bucket(table, size - half, size, half);
	table_set_size(table, size + 1);
	spin_unlock_bh(lock);
	return true;
}

static void table_merge_buckets(struct lc_table *table, u32 from, u32 to)
{
	const struct lc_bucket *high = lc_table_bucket_at(table, from);
	struct lc_bucket *low = lc_table_bucket_at(table, to);
	struct lc_node **end = &low->first;

	while (*end)
		end = &(*end)->next;
	*end = high->first;
	low->seen |= high->seen;
}

/* Remove the last bucket. */
static void table_shrink(struct lc_table *table)
{
	u32 last = table->size - 1, half = 1U << (fls(last) - 1);
	unsigned int part = lc_table_part(last);
	spinlock_t *lock = lc_table_lockptr(table, last);

	spin_lock_bh(lock);
	table_merge_buckets(table, last, last - half);
	table_set_size(table, last);
	spin_unlock_bh(lock);
	/* Every lock was held while the part became empty: no reader uses it. */
	if (lc_table_position(last) == lc_table_start(part)) {
		kvfree(table->parts[part]);
		WRITE_ONCE(table->parts[part], NULL);
	}
}

static bool table_resize_step(struct lc_table *table)
{
	if (table_should_shrink(table)) {
		table_shrink(table);
		return true;
	}
	return table_should_grow(table) && table_grow(table);
}

static void table_resize_work(struct work_struct *work)
{
	struct lc_table *table = container_of(work, struct lc_table, resize);
	unsigned int steps = LC_TABLE_RUN;

	while (steps && table_resize_step(table))
		steps--;
	if (!steps)
		schedule_work(&table->resize);
}

/**
 * lc_table_resize() - start to resize the table
 * @table: a table with too many or too few nodes for its buckets
 *
 * Context: any.
 */
void lc_table_resize(struct lc_table *table)
{
	if (!work_pending(&table->resize))
		schedule_work(&table->resize);
}

/**
 * lc_table_del() - delete a node
 * @table: the table
 * @bucket: the bucket of the node; its lock is held
 * @node: the node, which is in @bucket
 *
 * Context: any.
 */
void lc_table_del(struct lc_table *table, struct lc_bucket *bucket,
		  struct lc_node *node)
{
	struct lc_node **link = &bucket->first;

	bucket->seen = 0;
	while (*link) {
		if (*link == node) {
			*link = node->next;
			continue;
		}
		bucket->seen |= lc_bucket_bit(table->hash(table->owner, *link));
		link = &(*link)->next;
	}
	atomic_dec(&table->count);
	if (table_is_sparse(table))
		lc_table_resize(table);
}

/**
 * lc_table_locks_alloc() - allocate locks for one or more tables
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the locks, or NULL.
 */
spinlock_t *lc_table_locks_alloc(void)
{
	spinlock_t *locks = kvcalloc(LC_TABLE_LOCKS, sizeof(*locks),
				     lc_mem_gfp());
	unsigned int i;

	for (i = 0; locks && i < LC_TABLE_LOCKS; i++)
		spin_lock_init(&locks[i]);
	return locks;
}

/**
 * lc_table_locks_free() - undo lc_table_locks_alloc()
 * @locks: the locks; no table uses them any more
 *
 * Context: may sleep.
 */
void lc_table_locks_free(spinlock_t *locks)
{
	kvfree(locks);
}

/**
 * lc_table_init() - set up an empty table
 * @table: zeroed memory
 * @locks: from lc_table_locks_alloc()
 * @hash: returns the hash of a node
 * @owner: passed to @hash
 *
 * Context: may sleep. The memory is charged to the caller; memory that the table grows
 *	by later is not.
 * Return: 0 or -ENOMEM.
 */
int lc_table_init(struct lc_table *table, spinlock_t *locks,
		  u32 (*hash)(const void *owner, const struct lc_node *node),
		  const void *owner)
{
	table->parts[0] = table_alloc_part(0, lc_mem_gfp());
	if (!table->parts[0])
		return -ENOMEM;
	table_set_size(table, LC_TABLE_MIN);
	table->locks = locks;
	table->hash = hash;
	table->owner = owner;
	INIT_WORK(&table->resize, table_resize_work);
	return 0;
}

/**
 * lc_table_exit() - free a table and its nodes
 * @table: a table that nothing uses any more
 * @free_node: frees a node
 *
 * Context: may sleep.
 */
void lc_table_exit(struct lc_table *table,
		   void (*free_node)(struct lc_node *node))
{
	struct lc_bucket *bucket;
	struct lc_node *node;
	unsigned int part;
	u32 i;

	cancel_work_sync(&table->resize);
	for (i = 0; i < table->size; i++) {
		bucket = lc_table_bucket_at(table, i);
		while ((node = bucket->first)) {
			bucket->first = node->next;
			free_node(node);
		}
		cond_resched();
	}
	for (part = 0; part < LC_TABLE_PARTS; part++)
		kvfree(table->parts[part]);
}
