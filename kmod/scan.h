/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SCAN_H
#define LC_SCAN_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/list.h>

#include "gc.h"

/**
 * struct lc_scan - a namespace's part in the scans of conntrack's table
 * @gc: the namespace's
 * @list: in the scanner's list of namespaces
 * @joined: it is in that list
 * @generation: lc_backends.generation when the current pass began; the pass' alone
 * @stashed: connections that were not recorded before the current pass are counted
 *	in lc_backend.stale; the pass' alone
 * @counts: in the current pass connections that cannot be recorded are counted; the
 *	pass' alone
 * @adopted: backends up to this generation have their connections
 * @rested: jiffies from when on a process may scan for itself again
 * @missed: since the last pass began, a connection could not be recorded
 */
struct lc_scan {
	struct lc_gc		*gc;
	struct list_head	list;
	bool			joined;
	unsigned int		generation;
	bool			stashed;
	bool			counts;
	unsigned int		adopted;
	unsigned long		rested;
	atomic_t		missed;
};

int lc_scan_init(void);
void lc_scan_exit(void);
void lc_scan_set_lookup(struct lc_scan *(*lookup)(const struct net *net));
void lc_scan_net_init(struct lc_scan *scan, struct lc_gc *gc);
void lc_scan_net_exit(struct lc_scan *scan);

void lc_scan_adopt(struct lc_scan *scan);
void lc_scan_count_missed(struct lc_scan *scan, const struct lc_dests *dests,
			  int err);

/**
 * lc_scan_add() - record a connection, or count it as missed
 * @scan: its namespace's
 * @ct: its entry
 * @dests: its backends
 * @witnessed: LC_WITNESSED, or 0
 *
 * Context: any, under rcu_read_lock(). Does not sleep.
 * Return: 0; -EEXIST if the connection has a record; another negative errno if it
 *	is counted without a record until a scan finds it.
 */
static inline int lc_scan_add(struct lc_scan *scan, const struct nf_conn *ct,
			      const struct lc_dests *dests, u16 witnessed)
{
	int err = lc_gc_add(scan->gc, ct, dests, witnessed);

	if (unlikely(err && err != -EEXIST))
		lc_scan_count_missed(scan, dests, err);
	return err;
}

#endif /* LC_SCAN_H */
