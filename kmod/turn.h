/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_TURN_H
#define LC_TURN_H

#include <linux/types.h>

struct net;

void lc_turn_init(void);
int lc_turn_take(const struct net *net, bool may_wait);
void lc_turn_give(const struct net *net);

#endif /* LC_TURN_H */
