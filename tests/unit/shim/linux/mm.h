/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_MM_H
#define SHIM_MM_H

#include <linux/slab.h>

#endif /* SHIM_MM_H */
