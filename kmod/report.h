/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports to the healer. Its structure is here, too: reports queue its work. */
#ifndef LC_REPORT_H
#define LC_REPORT_H

#include <linux/hash.h>
#include <linux/jiffies.h>
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
 * @chosen: a rule of this module has chosen the backend
 * @free: its choice was free, see reach.c
 * @when: low bits of jiffies, the earliest time of the answer
 */
struct lc_result {
	u32	client;
	u16	port;
	bool	chosen;
	bool	free;
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

/** LC_ANSWER_AGE - jiffies: an answer may be noticed as late */
#define LC_ANSWER_AGE		(9 * HZ / 10)

/** LC_STREAK - connections that a backend has failed in a row: it is paced */
#define LC_STREAK		3U

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
 * @looks: counts these looks
 * @sums: counts comparisons of backends
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
	u32			looks;
	u32			sums;
	struct lc_answered	answered[LC_ANSWERED_CLIENTS];
	struct delayed_work	work;
	struct lc_turn		turn;
};

/**
 * lc_healer_check() - run the work soon: pools have changed
 * @healer: the namespace's
 *
 * Context: any; packets: under rcu_read_lock().
 */
static inline void lc_healer_check(struct lc_healer *healer)
{
	if (lc_turn_is_idle(&healer->turn))
		mod_delayed_work(lc_wq, &healer->work, 0);
}

/* Where a client is remembered if it was answered. */
static inline struct lc_answered *lc_answered_of(struct lc_healer *healer, u32 client)
{
	return &healer->answered[hash_32(client, LC_ANSWERED_BITS)];
}

/**
 * lc_backend_since_revived() - when has a command made a backend ready?
 * @backend: the backend
 *
 * Context: any.
 * Return: jiffies since then.
 */
static inline u32 lc_backend_since_revived(const struct lc_backend *backend)
{
	return (u32)jiffies - READ_ONCE(backend->revived);
}

void lc_report_outdated(struct lc_healer *healer, struct lc_backend *backend);
void lc_report_failures(struct lc_healer *healer, struct lc_backend *backend,
			u32 failed, u8 reason);
void lc_report_failed(struct lc_healer *healer, struct lc_backend *backend,
		      const struct lc_result *result, u8 reason);
void lc_report_unreached(struct lc_healer *healer, struct lc_backend *backend);
void lc_report_answered(struct lc_healer *healer, struct lc_backend *backend,
			const struct lc_result *result);
bool lc_answered_others(const struct lc_healer *healer, u32 client);

#endif /* LC_REPORT_H */
