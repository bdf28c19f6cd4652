/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_MINMAX_H
#define SHIM_MINMAX_H

#define shim_is_signed(x)	((__typeof__(x))-1 < (__typeof__(x))1)

/* As in the kernel, both must be signed, or none. */
#define shim_compare(x, y, op) ({ \
	__typeof__(x) shim_x = (x); \
	__typeof__(y) shim_y = (y); \
	_Static_assert(shim_is_signed(x) == shim_is_signed(y), "signedness"); \
	shim_x op shim_y ? shim_x : shim_y; })

#define min(x, y)	shim_compare(x, y, <)
#define max(x, y)	shim_compare(x, y, >)
#define min_t(type, x, y)	min((type)(x), (type)(y))
#define max_t(type, x, y)	max((type)(x), (type)(y))

#endif /* SHIM_MINMAX_H */
