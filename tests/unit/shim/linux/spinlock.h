/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_SPINLOCK_H
#define SHIM_SPINLOCK_H

#include <assert.h>
#include <stdbool.h>

typedef struct {
	bool	held;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->held = false;
}

static inline void spin_lock_bh(spinlock_t *lock)
{
	assert(!lock->held);
	lock->held = true;
}

static inline void spin_unlock_bh(spinlock_t *lock)
{
	assert(lock->held);
	lock->held = false;
}

#define lockdep_assert_held(lock)	assert((lock)->held)

#endif /* SHIM_SPINLOCK_H */
