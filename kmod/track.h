/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_TRACK_H
#define LC_TRACK_H

#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct lc_net;

/** LC_HOOKS - places of a family where conntrack confirms connections */
#define LC_HOOKS	2

/**
 * struct lc_tracker - the hooks of one namespace
 * @lock: @users and @closed, and opening the namespace's records
 * @users: who needs the hooks of IPv4, of IPv6
 * @closed: the namespace goes; no hook is left
 * @hooks: of IPv4, of IPv6; constant
 */
struct lc_tracker {
	struct mutex	lock;	/* users, closed */
	unsigned int	users[2];
	bool		closed;

	struct nf_hook_ops hooks[2][LC_HOOKS];
};

void lc_tracker_init(struct lc_tracker *tracker);
void lc_tracker_close(struct lc_net *ln);

int lc_track_get(struct lc_net *ln, u8 family);
void lc_track_put(struct lc_net *ln, u8 family);

#endif /* LC_TRACK_H */
