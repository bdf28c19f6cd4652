/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_NET_H
#define LC_NET_H

#include "control.h"
#include "pool.h"
#include "reap.h"
#include "record.h"
#include "track.h"

/**
 * struct lc_net - all there is of us in one network namespace
 * @net: the namespace
 * @backends: who is known, with its counts
 * @pools: who is chosen among
 * @records: which connections are counted
 * @reaper: re-checks and adopts them
 * @tracker: sees them begin and close
 * @control: changes pools and backends at run time
 */
struct lc_net {
	struct net		*net;
	struct lc_backends	backends;
	struct lc_pools		pools;
	struct lc_records	records;
	struct lc_reaper	reaper;
	struct lc_tracker	tracker;
	struct lc_control	control;
};

int lc_net_init(void);
void lc_net_exit(void);

struct lc_net *lc_net(const struct net *net);

#endif /* LC_NET_H */
