/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HEALTH_H
#define LC_HEALTH_H

#include <linux/llist.h>
#include <linux/workqueue.h>

#include "clients.h"
#include "pool.h"
#include "share.h"

/** LC_DOUBLINGS - how often the rest of a backend is doubled at most */
#define LC_DOUBLINGS	5

/**
 * struct lc_healer - judges the backends of a namespace
 * @pools: the namespace's
 * @clients: the namespace's
 * @share: the account of the namespace's user
 * @queue: backends with connections that failed or were answered; each holds a
 *	reference
 * @work: judges them; queued if there are any, or if something is due
 * @turn: of @work
 */
struct lc_healer {
	struct lc_pools		*pools;
	struct lc_clients	*clients;
	struct lc_share		*share;
	struct llist_head	queue;
	struct delayed_work	work;
	struct lc_turn		turn;
};

void lc_healer_init(struct lc_healer *healer, struct lc_pools *pools,
		    struct lc_clients *clients, struct lc_share *share);
void lc_healer_close(struct lc_healer *healer);
void lc_healer_exit(struct lc_healer *healer);

void lc_health_revive(struct lc_backend *backend);
void lc_health_check(struct lc_healer *healer);
void lc_health_changed(struct lc_healer *healer);
void lc_health_loads_changed(struct lc_healer *healer);
void lc_health_failed(struct lc_healer *healer, struct lc_backend *backend,
		      u8 reason);
void lc_health_answered(struct lc_healer *healer, struct lc_backend *backend);

#endif /* LC_HEALTH_H */
