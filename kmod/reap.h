/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_REAP_H
#define LC_REAP_H

#include <linux/llist.h>
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
 * struct lc_reaper - re-checks recorded connections
 * @fresh: new records on their way into @young
 * @young: records before their first look, by the tick they are due in; the check
 *	work's alone
 * @old: the others; the same
 * @last: the tick that the last one of @old is due in, and those that this run
 *	keeps; the check work's alone
 * @tick: the tick of this run; the check work's alone
 * @when: jiffies of @tick; the check work's alone
 * @asleep: @check is queued for a later tick than the next
 * @check: takes the records that are due; queued while there are records
 */
struct lc_reaper {
	struct llist_head	fresh;
	struct lc_queue		young;
	struct lc_queue		old;
	u16			last;
	u16			tick;
	unsigned long		when;
	int			asleep;
	struct delayed_work	check;
};

void lc_reaper_init(struct lc_reaper *reaper);
void lc_reaper_exit(struct lc_reaper *reaper);

int lc_reap_add(struct lc_net *ln, const struct nf_conn *ct,
		const struct lc_load *load);
void lc_reap_wake(struct lc_reaper *reaper);

#endif /* LC_REAP_H */
