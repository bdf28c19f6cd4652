/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_NET_H
#define LC_NET_H

#include "clients.h"
#include "control.h"
#include "health.h"
#include "pool.h"
#include "reap.h"
#include "record.h"
#include "scan.h"
#include "track.h"

/**
 * struct lc_net - all there is of us in one network namespace
 * @net: the namespace
 * @share: of its user
 * @backends: who is known, with its counts
 * @pools: who is chosen among
 * @clients: whom clients were given
 * @records: which connections are counted
 * @reaper: re-checks them
 * @scan: adopts them
 * @tracker: sees them begin and close
 * @healer: judges backends
 * @control: changes pools and backends at run time
 */
struct lc_net {
	struct net		*net;
	struct lc_share		*share;
	struct lc_backends	backends;
	struct lc_pools		pools;
	struct lc_clients	clients;
	struct lc_records	records;
	struct lc_reaper	reaper;
	struct lc_scan		scan;
	struct lc_tracker	tracker;
	struct lc_healer	healer;
	struct lc_control	control;
};

int lc_net_init(void);
void lc_net_exit(void);

struct lc_net *lc_net(const struct net *net);
void lc_net_watch(u64 (*wanted)(struct lc_net *ln));
void lc_net_changed(struct lc_net *ln);
void lc_net_loads_changed(struct lc_net *ln);
u64 lc_net_look(struct lc_net *ln);
bool lc_net_looks_left(const struct lc_net *ln);

/** lc_wq - what is done apart from packets */
extern struct workqueue_struct *lc_wq;

#endif /* LC_NET_H */
