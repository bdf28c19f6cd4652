// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is charged to the memory cgroup of the process that asks for it. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mem.h"

/* Up to this size memory.high is passed once at most, which does not throttle. */
#define LC_MEM_SMALL	(64 * 1024)

/**
 * lc_mem_zalloc() - allocate zeroed memory of any size
 * @size: bytes
 *
 * See lc_mem_gfp().
 *
 * Context: may sleep.
 * Return: the memory, for kvfree(), or NULL.
 */
void *lc_mem_zalloc(size_t size)
{
	void *memory;

	if (size <= LC_MEM_SMALL)
		return kvzalloc(size, lc_mem_gfp());
	memory = __vmalloc(size, GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN |
				 __GFP_ZERO);
	if (memory || lc_mem_is_over_high())
		return memory;
	return kvzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}
