// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is charged to the memory cgroup of the process that asks for it. */
#include <linux/bug.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mem.h"

atomic_t lc_mem_objects;

/*
 * Let the memory cgroup reclaim so much, page by page: the first page beyond memory.high
 * ends it, which does not throttle.
 */
static void mem_reclaim(size_t size)
{
	unsigned long n = PAGE_ALIGN(size) >> PAGE_SHIFT;
	struct page *page, *next;
	LIST_HEAD(pages);

	while (n-- && !lc_mem_is_over_high()) {
		page = alloc_page(lc_mem_gfp());
		if (!page)
			break;
		list_add(&page->lru, &pages);
		cond_resched();
	}
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
}

/**
 * lc_mem_zalloc() - allocate zeroed memory of any size
 * @size: bytes
 *
 * More than a page is charged in several steps, so none of them may block: see
 * lc_mem_gfp().
 *
 * Context: may sleep.
 * Return: the memory, for kvfree(), or NULL.
 */
void *lc_mem_zalloc(size_t size)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
	void *memory;

	if (size <= PAGE_SIZE)
		return kzalloc(size, lc_mem_gfp());
	memory = kvzalloc(size, gfp) ?: __vmalloc(size, gfp | __GFP_ZERO);
	if (memory || lc_mem_is_over_high())
		return memory;
	mem_reclaim(size);
	return __vmalloc(size, gfp | __GFP_ZERO);
}

/**
 * lc_mem_exit() - the module unloads: every object must have been freed
 *
 * Context: process, after all namespaces have ended.
 */
void lc_mem_exit(void)
{
	WARN(atomic_read(&lc_mem_objects), "LEASTCONN: %d objects leaked\n",
	     atomic_read(&lc_mem_objects));
}
