/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_GC_H
#define LC_GC_H

#include <linux/llist.h>
#include <linux/workqueue.h>

#include "queue.h"

struct lc_backends;
struct lc_dests;
struct lc_healer;
struct lc_records;
struct net;
struct nf_conn;

/**
 * struct lc_gc - the garbage collector of a namespace's records
 * @net: the namespace
 * @records: the namespace's
 * @healer: the namespace's
 * @backends: the namespace's
 * @fresh: new records that @check has not yet moved to @young
 * @young: records before their first check, in the order of their ticks
 * @old: all other records, in the order of their ticks
 * @tick: the tick of this run
 * @next_tick: the tick for records that this run keeps; @old ends with it
 * @when: jiffies of @tick
 * @unconfirmed: entries that conntrack could not insert, ever
 * @unconfirmed_when: jiffies when that number was seen to grow
 * @asleep: @check is queued for a later tick than the next one
 * @check: checks the records that are due; queued while there are records
 *
 * Only @check uses the members from @young to @unconfirmed_when.
 */
struct lc_gc {
	struct net		*net;
	struct lc_records	*records;
	struct lc_healer	*healer;
	struct lc_backends	*backends;
	struct llist_head	fresh;
	struct lc_queue		young;
	struct lc_queue		old;
	u16			tick;
	u16			next_tick;
	unsigned long		when;
	unsigned int		unconfirmed;
	unsigned long		unconfirmed_when;
	int			asleep;
	struct delayed_work	check;
};

void lc_gc_init(struct lc_gc *gc, struct net *net, struct lc_records *records,
		struct lc_healer *healer);
void lc_gc_exit(struct lc_gc *gc);

u16 lc_gc_take_choice(struct lc_gc *gc, const struct nf_conn *ct, u32 hash,
		      const struct lc_dests *dests, u16 witnessed);
int lc_gc_add(struct lc_gc *gc, const struct nf_conn *ct,
	      const struct lc_dests *dests, u16 witnessed);
void lc_gc_wake(struct lc_gc *gc);

#endif /* LC_GC_H */
