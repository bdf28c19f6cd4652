/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_JIFFIES_H
#define SHIM_JIFFIES_H

#define HZ 100

#endif /* SHIM_JIFFIES_H */
