/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_TRACK_H
#define LC_TRACK_H

#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct lc_backends;
struct lc_retries;
struct lc_scan;

/** LC_HOOKS - hooks of a family at which conntrack confirms, or finds, connections */
#define LC_HOOKS	2

/**
 * struct lc_tracker - the hooks of one namespace
 * @scan: the namespace's
 * @backends: the namespace's
 * @retries: the namespace's
 * @lock: protects @users and @closed; held while hooks are registered
 * @opening: serializes the opening of the namespace's records. Taken after @lock
 * @users: users of the hooks of IPv4 and IPv6
 * @closed: the namespace ends; its hooks are unregistered
 * @redispatches: a rule or pool redispatches, or did: @retry_hooks are registered, too
 * @hooks: of IPv4 and IPv6; constant
 * @retry_hooks: these, too
 */
struct lc_tracker {
	struct lc_scan		*scan;
	struct lc_backends	*backends;
	struct lc_retries	*retries;
	struct mutex		lock;	/* users, closed */
	struct mutex		opening; /* serializes lc_track_prepare() */
	unsigned int		users[2];
	bool			closed;
	bool			redispatches;
	struct nf_hook_ops	hooks[2][LC_HOOKS];
	struct nf_hook_ops	retry_hooks[2][LC_HOOKS];
};

void lc_tracker_init(struct lc_tracker *tracker, struct lc_scan *scan,
		     struct lc_retries *retries);
void lc_tracker_close(struct lc_tracker *tracker);

int lc_track_prepare(struct lc_tracker *tracker, bool redispatch);
int lc_track_redispatch(struct lc_tracker *tracker);
int lc_track_get(struct lc_tracker *tracker, u8 family);
void lc_track_put(struct lc_tracker *tracker, u8 family);

#endif /* LC_TRACK_H */
