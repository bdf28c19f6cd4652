/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PURGE_H
#define LC_PURGE_H

struct lc_net;

unsigned int lc_purge(struct lc_net *ln);

#endif /* LC_PURGE_H */
