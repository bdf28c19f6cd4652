/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_PREFETCH_H
#define SHIM_PREFETCH_H

#define prefetchw(address)	__builtin_prefetch(address, 1)

#endif /* SHIM_PREFETCH_H */
