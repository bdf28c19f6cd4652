/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_SCHED_H
#define SHIM_SCHED_H

#define cond_resched()	((void)0)

#endif /* SHIM_SCHED_H */
