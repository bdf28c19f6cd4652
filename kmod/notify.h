/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_NOTIFY_H
#define LC_NOTIFY_H

#include <linux/types.h>

struct lc_pools;

void lc_notify_set(u64 (*notifier)(struct lc_pools *pools));
u64 lc_notify(struct lc_pools *pools);
bool lc_notify_is_pending(const struct lc_pools *pools);

#endif /* LC_NOTIFY_H */
