/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of the kernel's header as the sources under test read. */
#ifndef SHIM_GFP_H
#define SHIM_GFP_H

#include <stddef.h>

typedef unsigned int gfp_t;

#define GFP_KERNEL	0
#define GFP_NOWAIT	0
#define __GFP_ACCOUNT	0
#define __GFP_NORETRY	0
#define __GFP_NOWARN	0

#endif /* SHIM_GFP_H */
