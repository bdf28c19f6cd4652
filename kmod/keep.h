/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_KEEP_H
#define LC_KEEP_H

#include <linux/netfilter.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "addr.h"

struct lc_tracker;

/**
 * enum lc_keep - what pools and backends need of a namespace, without a rule
 * @LC_KEEP_IPV4: the hooks of IPv4
 * @LC_KEEP_IPV6: those of IPv6
 * @LC_KEEP_REDISPATCH: those that redispatch, once and for all
 * @LC_KEEPS: how many there are
 */
enum lc_keep {
	LC_KEEP_IPV4,
	LC_KEEP_IPV6,
	LC_KEEP_REDISPATCH,
	LC_KEEPS,
};

/**
 * struct lc_keeper - keeps the hooks of a namespace registered, without a rule
 * @tracker: the namespace's
 * @lock: protects what follows, but for @done and @work
 * @wanted: what is to be registered
 * @kept: what is registered, and remains so while it is wanted
 * @err: a negative errno, if that has failed and no command has returned it
 * @done: woken when @kept or @err changes
 * @work: makes @kept what is @wanted
 */
struct lc_keeper {
	struct lc_tracker	*tracker;
	spinlock_t		lock;	/* wanted, kept, err */
	bool			wanted[LC_KEEPS];
	bool			kept[LC_KEEPS];
	int			err[LC_KEEPS];
	wait_queue_head_t	done;
	struct work_struct	work;
};

/**
 * lc_keep_family() - the hooks of a family
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Return: LC_KEEP_IPV4 or LC_KEEP_IPV6.
 */
static inline enum lc_keep lc_keep_family(u8 family)
{
	return family == NFPROTO_IPV6 ? LC_KEEP_IPV6 : LC_KEEP_IPV4;
}

int lc_keep_init(void);
void lc_keep_exit(void);

void lc_keeper_init(struct lc_keeper *keeper, struct lc_tracker *tracker);
void lc_keeper_close(struct lc_keeper *keeper);
int lc_keeper_want(struct lc_keeper *keeper, enum lc_keep what,
		   unsigned long timeout);
void lc_keeper_release(struct lc_keeper *keeper, enum lc_keep what);
bool lc_keeper_tracks(struct lc_keeper *keeper);

#endif /* LC_KEEP_H */
