/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_WORKQUEUE_H
#define SHIM_WORKQUEUE_H

#include <stdbool.h>
#include <stddef.h>

/* The test runs it. */
struct work_struct {
	void	(*run)(struct work_struct *work);
	bool	pending;
};

#define INIT_WORK(work, fn)	((work)->run = (fn))
#define work_pending(work)	((work)->pending)
#define schedule_work(work)	((void)((work)->pending = true))
#define cancel_work_sync(work)	((void)((work)->pending = false))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#endif /* SHIM_WORKQUEUE_H */
