/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_SLAB_H
#define SHIM_SLAB_H

#include <stdlib.h>

#include <linux/gfp.h>

/* The test makes it fail. */
void *kvcalloc(size_t count, size_t size, int flags);
#define kvfree(memory)	free(memory)

#endif /* SHIM_SLAB_H */
