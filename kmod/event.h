/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_EVENT_H
#define LC_EVENT_H

#include <linux/types.h>

struct genl_family;
struct lc_changes;
struct lc_net;
struct net;

void lc_event_notify_changes(const struct genl_family *family, struct net *net,
			     const struct lc_changes *changes);
u64 lc_event_check(const struct genl_family *family, struct lc_net *ln);

#endif /* LC_EVENT_H */
