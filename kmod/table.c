// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table that is never copied: linear hashing (W. Litwin, 1980).
 *
 * It has any number of buckets, not a power of two. With between 2^k and
 * 2^(k+1) of them a node's bucket is the last k + 1 bits of its hash, or, if
 * there are not as many yet, the last k. So one more bucket divides just one,
 * that with the same last k bits, and taking the last away joins the two again.
 * The table follows the number of its nodes in steps as small as that: nobody
 * ever waits for it, and it takes no more than twice the memory it needs.
 *
 * A bucket also has a bit for each hash it has seen, of those whose nodes are
 * there. With a node a bucket it says of 63 count_other_family in 64 that they are not:
 * nobody has to reach for a node, far away in memory, to see that. Who takes a
 * node out looks at all that are left, and sets the bits anew.
 *
 * A lock is for all nodes whose hashes have the same last bits, fewer than any
 * bucket's number has. The two buckets of a step are under one lock, and the
 * step is taken under it: who holds the lock sees all its nodes in the bucket
 * where the size of the moment, old or new, says they are. Readers take it
 * too: they are few, and nodes need no grace period.
 *
 * Not rhashtable: kvmalloc() rounds its buckets up to twice the memory, its
 * readers need a grace period and so each record a lock of its own (measured, see
 * ARCHITECTURE.md).
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mem.h"
#include "table.h"

/* Of one run: a fraction of a millisecond. */
#define LC_TABLE_STEPS	4096U

static struct lc_bucket *alloc_part(unsigned int part, gfp_t flags)
{
	/* From where it starts to where the next does. */
	return kvcalloc(lc_table_start(part + 1) - lc_table_start(part),
			sizeof(struct lc_bucket), flags | __GFP_NOWARN);
}

static bool is_deserted(const struct lc_table *table)
{
	u32 size = READ_ONCE(table->size);

	return lc_table_count(table) < size / 4 && size > LC_TABLE_MIN;
}

/*
 * Further than it must, where that takes no further memory: else, each node
 * would wake up the work, which costs more than to add it.
 */
static bool is_tight(const struct lc_table *table)
{
	u32 count = lc_table_count(table), size = table->size;

	if (size < count)
		return true;
	return size < count + count / 8 && size < LC_TABLE_MAX &&
	       table->parts[lc_table_part(size)];
}

static bool is_wide(const struct lc_table *table)
{
	return table->size > LC_TABLE_MIN &&
	       lc_table_count(table) < table->size / 2;
}

/* Of @from's nodes those whose hash has @bit go to @to. */
static void divide(struct lc_table *table, u32 from, u32 to, u32 bit)
{
	struct lc_bucket *low = lc_table_at(table, from);
	struct lc_bucket *high = lc_table_at(table, to);
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

/* Who reads only one of the two anew finds every bucket but the one in question. */
static void set_size(struct lc_table *table, u32 size)
{
	WRITE_ONCE(table->size, size);
	WRITE_ONCE(table->mask, (1U << fls(size - 1)) - 1);
}

/* Return: false without memory. */
static bool ensure_part(struct lc_table *table, unsigned int part)
{
	if (!table->parts[part])
		WRITE_ONCE(table->parts[part],
			   alloc_part(part, GFP_KERNEL));
	return table->parts[part];
}

/* One bucket more. Return: false without memory, or when there are all. */
static bool grow(struct lc_table *table)
{
	u32 size = table->size, half = 1U << (fls(size) - 1);
	spinlock_t *lock = lc_table_lockptr(table, size);

	if (size == LC_TABLE_MAX || !ensure_part(table, lc_table_part(size)))
		return false;
	spin_lock_bh(lock);
	divide(table, size - half, size, half);
	set_size(table, size + 1);
	spin_unlock_bh(lock);
	return true;
}

static void join(struct lc_table *table, u32 from, u32 to)
{
	const struct lc_bucket *high = lc_table_at(table, from);
	struct lc_bucket *low = lc_table_at(table, to);
	struct lc_node **end = &low->first;

	while (*end)
		end = &(*end)->next;
	*end = high->first;
	low->seen |= high->seen;
}

/* One bucket less. */
static void shrink(struct lc_table *table)
{
	u32 last = table->size - 1, half = 1U << (fls(last) - 1);
	unsigned int part = lc_table_part(last);
	spinlock_t *lock = lc_table_lockptr(table, last);

	spin_lock_bh(lock);
	join(table, last, last - half);
	set_size(table, last);
	spin_unlock_bh(lock);
	/* Every lock has been held since: nobody is left in this part. */
	if (lc_table_place(last) == lc_table_start(part)) {
		kvfree(table->parts[part]);
		WRITE_ONCE(table->parts[part], NULL);
	}
}

static bool step(struct lc_table *table)
{
	if (is_wide(table)) {
		shrink(table);
		return true;
	}
	return is_tight(table) && grow(table);
}

static void resize_work(struct work_struct *work)
{
	struct lc_table *table = container_of(work, struct lc_table, resize);
	unsigned int left = LC_TABLE_STEPS;

	while (left && step(table))
		left--;
	if (!left)
		schedule_work(&table->resize);
}

/**
 * lc_table_resize() - there are too many nodes for the buckets, or too few
 * @table: the table
 *
 * Context: any.
 */
void lc_table_resize(struct lc_table *table)
{
	if (!work_pending(&table->resize))
		schedule_work(&table->resize);
}

/**
 * lc_table_del() - take a node out of its bucket
 * @table: the table
 * @bucket: of its hash, whose lock is held
 * @node: the node, which is there
 *
 * Context: any.
 */
void lc_table_del(struct lc_table *table, struct lc_bucket *bucket,
		  struct lc_node *node)
{
	struct lc_node **at = &bucket->first;

	bucket->seen = 0;
	while (*at) {
		if (*at == node) {
			*at = node->next;
			continue;
		}
		bucket->seen |= lc_table_bit(table->hash(table->owner, *at));
		at = &(*at)->next;
	}
	atomic_dec(&table->count);
	if (is_deserted(table))
		lc_table_resize(table);
}

/**
 * lc_table_locks_alloc() - locks for the nodes of one or more tables
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
 * @locks: the locks; no table has them any more
 *
 * Context: may sleep.
 */
void lc_table_locks_free(spinlock_t *locks)
{
	kvfree(locks);
}

/**
 * lc_table_init() - an empty table
 * @table: zeroed memory
 * @locks: of its nodes
 * @hash: tells a node's hash
 * @owner: what @hash is given
 *
 * Context: may sleep; the memory is charged to the caller, except what the table
 *	grows by later.
 * Return: 0 or -ENOMEM.
 */
int lc_table_init(struct lc_table *table, spinlock_t *locks,
		  u32 (*hash)(const void *owner, const struct lc_node *node),
		  const void *owner)
{
	table->parts[0] = alloc_part(0, lc_mem_gfp());
	if (!table->parts[0])
		return -ENOMEM;
	set_size(table, LC_TABLE_MIN);
	table->locks = locks;
	table->hash = hash;
	table->owner = owner;
	INIT_WORK(&table->resize, resize_work);
	return 0;
}

/**
 * lc_table_exit() - free a table and what is in it
 * @table: a table that nobody can reach any more
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
		bucket = lc_table_at(table, i);
		while ((node = bucket->first)) {
			bucket->first = node->next;
			free_node(node);
		}
		cond_resched();
	}
	for (part = 0; part < LC_TABLE_PARTS; part++)
		kvfree(table->parts[part]);
}
