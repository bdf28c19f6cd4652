/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SHARE_H
#define LC_SHARE_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

struct delayed_work;
struct lc_share;
struct net;
struct workqueue_struct;

enum lc_turn_state {
	LC_TURN_IDLE,		/* the work may be queued at any time */
	LC_TURN_WAITS,		/* in the queue of the share */
	LC_TURN_GRANTED,	/* the work is queued, and may run */
	LC_TURN_CLOSED,		/* the work must not run again */
};

/**
 * struct lc_turn - the turn of work in the background
 * @list: in the share's queue, in state %LC_TURN_WAITS
 * @work: queued when it is its turn
 * @state: written under the share's lock, also read without it
 */
struct lc_turn {
	struct list_head	list;
	struct delayed_work	*work;
	enum lc_turn_state	state;
};

/** lc_wq - runs the work of all namespaces that no packet waits for */
extern struct workqueue_struct *lc_wq;

/**
 * lc_processor_time() - how much time has the current process taken?
 *
 * The time of other processes does not count.
 *
 * Context: process.
 * Return: nanoseconds.
 */
static inline u64 lc_processor_time(void)
{
	return current->se.sum_exec_runtime;
}

int lc_share_init(void);
void lc_share_exit(void);
struct lc_share *lc_share_get(const struct net *net);
void lc_share_use(struct lc_share *share);
void lc_share_put(struct lc_share *share);
bool lc_share_is_trusted(const struct lc_share *share);

bool lc_share_begin_command(struct lc_share *share);
void lc_share_end_command(struct lc_share *share);
bool lc_share_may_add_rule(struct lc_share *share);
void lc_share_charge_command(struct lc_share *share, u64 begun);
void lc_share_charge_worker(struct lc_share *share, u64 took);

u64 lc_share_begin_checks(struct lc_share *share);
void lc_share_end_checks(struct lc_share *share, unsigned int checks, u64 begun);
void lc_share_charge(struct lc_share *share, u64 took);

void lc_turn_init(struct lc_turn *turn, struct delayed_work *work);
bool lc_turn_begin(struct lc_share *share, struct lc_turn *turn);
bool lc_turn_is_idle(const struct lc_turn *turn);
void lc_turn_close(struct lc_share *share, struct lc_turn *turn);

#endif /* LC_SHARE_H */
