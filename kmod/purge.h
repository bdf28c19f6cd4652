/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PURGE_H
#define LC_PURGE_H

struct lc_gc;

unsigned int lc_purge(const struct lc_gc *gc);

#endif /* LC_PURGE_H */
