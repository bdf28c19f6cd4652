/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_TRACK_H
#define LC_TRACK_H

#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct lc_scan;

/** LC_HOOKS - hooks of a family at which conntrack confirms connections */
#define LC_HOOKS	2

/**
 * struct lc_tracker - the hooks of one namespace
 * @scan: the namespace's
 * @lock: protects @users, @closed and the opening of the namespace's records
 * @users: users of the hooks of IPv4 and IPv6
 * @closed: the namespace ends; its hooks are unregistered
 * @hooks: of IPv4 and IPv6; constant
 */
struct lc_tracker {
	struct lc_scan	*scan;
	struct mutex	lock;	/* users, closed */
	unsigned int	users[2];
	bool		closed;

	struct nf_hook_ops hooks[2][LC_HOOKS];
};

void lc_tracker_init(struct lc_tracker *tracker, struct lc_scan *scan);
void lc_tracker_close(struct lc_tracker *tracker);

int lc_track_get(struct lc_tracker *tracker, u8 family);
void lc_track_put(struct lc_tracker *tracker, u8 family);

#endif /* LC_TRACK_H */
