/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_NET_H
#define LC_NET_H

#include "clients.h"
#include "control.h"
#include "gc.h"
#include "healer.h"
#include "pool.h"
#include "record.h"
#include "retry.h"
#include "scan.h"
#include "share.h"
#include "track.h"

/**
 * struct lc_net - the module's data of one network namespace
 * @net: the namespace
 * @share: the account of the namespace's user
 * @backends: the known backends with their counts
 * @pools: the pools that rules choose from
 * @clients: the backends that clients were given
 * @records: the connections that are counted
 * @retries: what redispatched connections have tried
 * @healer: judges backends
 * @gc: re-checks records
 * @scan: adopts connections
 * @tracker: sees connections begin and close
 * @control: changes pools and backends at run time
 */
struct lc_net {
	struct net		*net;
	struct lc_share		*share;
	struct lc_backends	backends;
	struct lc_pools		pools;
	struct lc_clients	clients;
	struct lc_records	records;
	struct lc_retries	retries;
	struct lc_healer	healer;
	struct lc_gc		gc;
	struct lc_scan		scan;
	struct lc_tracker	tracker;
	struct lc_control	control;
};

int lc_net_init(void);
void lc_net_exit(void);

struct lc_net *lc_net(const struct net *net);

#endif /* LC_NET_H */
