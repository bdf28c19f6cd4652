/* SPDX-License-Identifier: GPL-2.0-only */
/* What the machine as a whole says of its work and its memory. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

uint64_t machine_now(void);

/* While we are first the kernel's threads, but for ksoftirqd, run when we sleep. */
void machine_be_first(bool first);

/* Nanoseconds that the processor was not idle, since a time in the past. */
uint64_t machine_busy(void);

/* Bytes that nobody uses, and conntrack's entries. */
uint64_t machine_free(void);

/* Bytes of slab caches whose names begin so, free room in the slabs included. */
uint64_t machine_slabs(const char *prefix);

#endif
