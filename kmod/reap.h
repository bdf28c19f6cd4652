/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_REAP_H
#define LC_REAP_H

#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

struct lc_load;
struct lc_net;
struct nf_conn;

/**
 * struct lc_queue - first in, first out
 * @first: who has waited longest
 * @end: where the next one goes
 */
struct lc_queue {
	struct llist_node	*first;
	struct llist_node	**end;
};

/**
 * struct lc_reaper - re-checks recorded connections, adopts existing ones
 * @fresh: new records on their way into @queue
 * @queue: records by the tick they are due in; the check work's alone
 * @tick: the tick of this run; the check work's alone
 * @when: jiffies of @tick; the check work's alone
 * @check: takes the records that are due; queued while there are records
 * @adopt: walks the conntrack table; queued while there are hooks
 * @walking: one walk at a time; @rested
 * @rested: jiffies from when on the next walk may be
 * @adopted: backends' created as of the last walk; written under @walking
 * @missed: a connection could not be recorded: the next walk is to be soon
 */
struct lc_reaper {
	struct llist_head	fresh;
	struct lc_queue		queue;
	u16			tick;
	unsigned long		when;
	struct delayed_work	check;
	struct delayed_work	adopt;
	struct mutex		walking;	/* rested, adopted */
	unsigned long		rested;
	unsigned int		adopted;
	atomic_t		missed;
};

void lc_reaper_init(struct lc_reaper *reaper);
void lc_reaper_exit(struct lc_reaper *reaper);

int lc_reap_add(struct lc_net *ln, const struct nf_conn *ct,
		const struct lc_load *load);
void lc_reap_adopt(struct lc_net *ln);

#endif /* LC_REAP_H */
