/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SCAN_H
#define LC_SCAN_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>

struct lc_net;

/**
 * struct lc_scan - a namespace's part in the scans of conntrack's table
 * @list: in the list of namespaces that are scanned for
 * @joined: it is in that list
 * @created: how many backends had appeared when the pass under way began; the
 *	pass' alone
 * @set_aside: what was missed before that pass is counted in lc_backend.stale;
 *	the pass' alone
 * @adopted: the backends that had appeared by then have their connections
 * @rested: jiffies from when on a caller may scan itself
 * @missed: a connection could not be recorded since the last pass began
 */
struct lc_scan {
	struct list_head	list;
	bool			joined;
	unsigned int		created;
	bool			set_aside;
	unsigned int		adopted;
	unsigned long		rested;
	atomic_t		missed;
};

int lc_scan_init(void);
void lc_scan_exit(void);
void lc_scan_net_init(struct lc_scan *scan);
void lc_scan_net_exit(struct lc_scan *scan);

void lc_scan_adopt(struct lc_net *ln);
void lc_scan_missed(struct lc_net *ln);

#endif /* LC_SCAN_H */
