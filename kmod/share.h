/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SHARE_H
#define LC_SHARE_H

#include <linux/atomic.h>
#include <linux/types.h>

struct net;

void lc_share_init(void);
bool lc_share_is_host(const struct net *net);
int lc_share_take(const struct net *net, bool may_wait);
void lc_share_give(const struct net *net);
atomic_t *lc_share_pausing(const struct net *net);
bool lc_share_looks(const struct net *net, unsigned int looks);

#endif /* LC_SHARE_H */
