// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table, in user space: whatever its size is on the way from one to another,
 * each node is in the bucket of its hash, once, and nobody else is; and a bucket
 * knows who may be there.
 */
#include <stdlib.h>
#include <string.h>

#include "../../kmod/table.h"
#include "../dice.h"
#include "../ktap.h"

#define MOST	100000

struct item {
	struct lc_node	node;
	u32		hash;
	bool		in;
};

static struct item items[MOST];
static struct lc_table it;
static spinlock_t *locks;
static unsigned int allocations_left;
static unsigned int freed;
static unsigned int runs;

void *kvcalloc(size_t count, size_t size, int flags)
{
	(void)flags;
	if (!allocations_left)
		return NULL;
	allocations_left--;
	return calloc(count, size);
}

static u32 hash_item(const void *owner, const struct lc_node *node)
{
	if (owner != items)
		fail("the hash is not told whose it is");
	return container_of(node, struct item, node)->hash;
}

static void start(void)
{
	allocations_left = ~0U;
	memset(&it, 0, sizeof(it));
	memset(items, 0, sizeof(items));
	for (unsigned int i = 0; i < MOST; i++)
		items[i].hash = dice_number();
	locks = lc_table_locks_alloc();
	lc_table_init(&it, locks, hash_item, items);
}

static void count_freed(struct lc_node *node)
{
	container_of(node, struct item, node)->in = false;
	freed++;
}

static void finish(void)
{
	freed = 0;
	lc_table_exit(&it, count_freed);
	lc_table_locks_free(locks);
}

static void add(struct item *item)
{
	spinlock_t *lock = lc_table_lockptr(&it, item->hash);

	spin_lock_bh(lock);
	lc_table_add(&it, lc_table_bucket(&it, item->hash), item->hash,
		     &item->node);
	spin_unlock_bh(lock);
	item->in = true;
}

static void del(struct item *item)
{
	spinlock_t *lock = lc_table_lockptr(&it, item->hash);

	spin_lock_bh(lock);
	lc_table_del(&it, lc_table_bucket(&it, item->hash), &item->node);
	spin_unlock_bh(lock);
	item->in = false;
}

static void flip(struct item *item)
{
	if (item->in)
		del(item);
	else
		add(item);
}

static unsigned int times_in_bucket(const struct item *item)
{
	spinlock_t *lock = lc_table_lockptr(&it, item->hash);
	const struct lc_node *node;
	unsigned int times = 0;

	spin_lock_bh(lock);
	for (node = lc_table_bucket(&it, item->hash)->first; node;
	     node = node->next)
		times += node == &item->node;
	spin_unlock_bh(lock);
	return times;
}

/* Return: how many nodes there are; those are all it says there may be. */
static unsigned int check_bucket(u32 at)
{
	const struct lc_bucket *bucket = lc_table_bucket_at(&it, at);
	const struct lc_node *node;
	unsigned long seen = 0;
	unsigned int nodes = 0;

	for (node = bucket->first; node; node = node->next) {
		seen |= lc_bucket_bit(hash_item(items, node));
		nodes++;
	}
	if (bucket->seen != seen)
		fail("bucket %u of %u says %lx, not %lx", at, it.size,
		     bucket->seen, seen);
	return nodes;
}

static void check_all(void)
{
	unsigned int all = 0, nodes = 0;

	for (unsigned int i = 0; i < MOST; i++) {
		all += items[i].in;
		if (times_in_bucket(&items[i]) != items[i].in)
			fail("node %u is %u times in its bucket, of %u", i,
			     times_in_bucket(&items[i]), it.size);
	}
	for (u32 i = 0; i < it.size; i++)
		nodes += check_bucket(i);
	if (nodes != all || (unsigned int)atomic_read(&it.count) != all)
		fail("%u nodes added, %u found, %d counted", all, nodes,
		     atomic_read(&it.count));
}

static void run_once(void)
{
	runs++;
	it.resize.pending = false;
	it.resize.run(&it.resize);
}

static void run_all(void)
{
	while (it.resize.pending)
		run_once();
}

static void test_grows_with_its_nodes(void)
{
	start();
	runs = 0;
	for (unsigned int i = 0; i < MOST; i++) {
		add(&items[i]);
		run_all();
		if (i >= LC_TABLE_MIN &&
		    (it.size < i + 1 || it.size > (i + 1) * 9 / 8))
			fail("%u buckets for %u nodes", it.size, i + 1);
		if (i % 20011 == 0)
			check_all();
	}
	check_all();
	/* Each an eighth further, but for the end of a part; some twice. */
	if (runs > 100)
		fail("%u runs to grow", runs);
	finish();
	if (freed != MOST)
		fail("%u freed", freed);
}

/* Only the lock of the bucket that comes or goes is held meanwhile. */
static void check_others(const char *when)
{
	for (unsigned int i = 0; i < MOST; i++)
		if (items[i].hash % LC_TABLE_LOCKS &&
		    times_in_bucket(&items[i]) != items[i].in)
			fail("%s: node %u is not found", when, i);
}

static void test_half_a_step_is_seen(void)
{
	const unsigned int count = 2 * LC_TABLE_MIN * 8 / 9 + 1;
	u32 size, mask;

	start();
	for (unsigned int i = 0; i < count; i++)
		add(&items[i]);
	run_all();
	size = it.size;
	mask = it.mask;
	/* One more, an eighth of it ahead: one more bucket. */
	add(&items[count]);
	run_once();
	if (size != 2 * LC_TABLE_MIN || it.size != size + 1 || mask == it.mask)
		fail("no step over a power of two: from %u to %u", size, it.size);
	it.size = size;
	check_others("new mask, old size");
	it.size++;
	it.mask = mask;
	check_others("old mask, new size");
	it.mask = 2 * mask + 1;
	check_all();
	finish();
}

static void test_shrinks_with_its_nodes(void)
{
	unsigned int parts = 0;

	start();
	for (unsigned int i = 0; i < MOST; i++)
		add(&items[i]);
	run_all();
	runs = 0;
	for (unsigned int i = 0; i < MOST; i++) {
		del(&items[i]);
		run_all();
		if (i % 20011 == 0)
			check_all();
	}
	check_all();
	for (unsigned int i = 0; i < LC_TABLE_PARTS; i++)
		parts += !!it.parts[i];
	if (it.size != LC_TABLE_MIN || parts != 1)
		fail("%u buckets in %u parts are left", it.size, parts);
	if (runs > 100)
		fail("%u runs to shrink", runs);
	finish();
}

static void test_everybody_comes_and_goes(void)
{
	start();
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < MOST; i++) {
			struct item *item = &items[dice(MOST)];

			if (item->in == (round % 5 > 2))
				flip(item);
			if (it.resize.pending && i % 1000 == 0)
				run_once();
		}
		check_all();
	}
	finish();
}

static void test_a_run_is_bounded(void)
{
	u32 size;

	start();
	for (unsigned int i = 0; i < MOST; i++)
		add(&items[i]);
	while (it.resize.pending) {
		size = it.size;
		run_once();
		if (it.size - size > 4096)
			fail("%u buckets in one run", it.size - size);
	}
	check_all();
	finish();
}

static void test_no_memory_to_grow(void)
{
	start();
	allocations_left = 0;
	for (unsigned int i = 0; i < 20000; i++)
		add(&items[i]);
	run_once();
	if (it.resize.pending || it.size != LC_TABLE_MIN)
		fail("%u buckets without memory", it.size);
	check_all();
	allocations_left = 1;
	add(&items[20000]);
	run_all();
	if (it.size != 3 * LC_TABLE_MIN)
		fail("%u buckets with memory for twice as many more", it.size);
	check_all();
	finish();
}

static void test_no_memory_to_begin(void)
{
	memset(&it, 0, sizeof(it));
	allocations_left = 0;
	if (!lc_table_init(&it, NULL, hash_item, items))
		fail("there is a table without memory");
	if (lc_table_locks_alloc())
		fail("there are locks without memory");
}

static const struct unit_test tests[] = {
	{ "grows with its nodes",	test_grows_with_its_nodes },
	{ "half a step is seen",	test_half_a_step_is_seen },
	{ "shrinks with its nodes",	test_shrinks_with_its_nodes },
	{ "everybody comes and goes",	test_everybody_comes_and_goes },
	{ "a run is bounded",		test_a_run_is_bounded },
	{ "no memory to grow",		test_no_memory_to_grow },
	{ "no memory to begin",		test_no_memory_to_begin },
};

int main(void)
{
	dice_seed(1, 0);
	return run_tests(tests, ARRAY_SIZE(tests));
}
