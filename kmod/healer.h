/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HEALER_H
#define LC_HEALER_H

#include <linux/llist.h>
#include <linux/workqueue.h>

#include "clients.h"
#include "pending.h"
#include "pool.h"
#include "share.h"

/**
 * struct lc_result - the connection that a backend has answered or failed
 * @client: its client, see lc_ct_client()
 * @port: the port that it was for, in host order
 * @when: low bits of jiffies, the earliest time of the answer
 */
struct lc_result {
	u32	client;
	u16	port;
	u32	when;
};

/**
 * struct lc_answered - a client that a backend has answered
 * @client: the client; 0: none
 * @when: low bits of jiffies
 * @number: lc_backend.number of the backend
 */
struct lc_answered {
	u32	client;
	u32	when;
	u32	number;
};

/* Clients of a namespace that are remembered as answered. */
#define LC_ANSWERED_BITS	8
#define LC_ANSWERED_CLIENTS	BIT(LC_ANSWERED_BITS)

/**
 * struct lc_healer - judges the backends of a namespace
 * @pools: the namespace's
 * @clients: the namespace's
 * @share: the account of the namespace's user
 * @queue: backends with connections that failed or were answered, or whose load has
 *	fallen; each holds a reference
 * @records: the namespace's
 * @pendings: choices whose connections are not recorded yet
 * @pending_due: jiffies when they are looked at; 0: there were none
 * @answered: clients that were answered last, by a hash of their number; without a lock
 * @work: judges them; queued if there are any, or if something is due
 * @turn: of @work
 */
struct lc_healer {
	struct lc_pools		*pools;
	struct lc_clients	*clients;
	struct lc_share		*share;
	struct llist_head	queue;
	struct lc_records	*records;
	struct lc_pendings	pendings;
	u64			pending_due;
	struct lc_answered	answered[LC_ANSWERED_CLIENTS];
	struct delayed_work	work;
	struct lc_turn		turn;
};

void lc_healer_init(struct lc_healer *healer, struct lc_pools *pools,
		    struct lc_clients *clients, struct lc_records *records,
		    struct lc_share *share);
void lc_healer_close(struct lc_healer *healer);
void lc_healer_exit(struct lc_healer *healer);

void lc_healer_revive(struct lc_backend *backend);
void lc_healer_eject(struct lc_backend *backend, u32 seconds);
void lc_healer_check(struct lc_healer *healer);
void lc_healer_changed(struct lc_healer *healer);
void lc_healer_loads_changed(struct lc_healer *healer);
void lc_healer_dropped(struct lc_healer *healer, const struct lc_choice *choice);
void lc_healer_collect(struct lc_healer *healer);
void lc_healer_unconfirmed(void);
void lc_healer_defer_update(struct lc_healer *healer, struct lc_backend *backend);
void lc_healer_failed(struct lc_healer *healer, struct lc_backend *backend,
		      const struct lc_result *result, u8 reason);
bool lc_healer_serves_others(const struct lc_healer *healer, u32 client);
void lc_healer_answered(struct lc_healer *healer, struct lc_backend *backend,
			const struct lc_result *result);

#endif /* LC_HEALER_H */
