/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_LOG2_H
#define SHIM_LOG2_H

#define ilog2(n)	(31 - __builtin_clz(n))

#endif /* SHIM_LOG2_H */
