/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_BITS_H
#define SHIM_BITS_H

#define BIT(nr)		(1UL << (nr))
#define BITS_PER_LONG	(8 * (int)sizeof(long))
#define BIT_ULL(nr)	(1ULL << (nr))

#endif /* SHIM_BITS_H */
