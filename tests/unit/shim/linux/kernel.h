/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <linux/minmax.h>

#define U32_MAX		((u32)~0U)
#define U16_MAX		((u16)~0U)

#endif /* SHIM_KERNEL_H */
