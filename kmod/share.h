/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SHARE_H
#define LC_SHARE_H

#include <linux/list.h>
#include <linux/types.h>

struct delayed_work;
struct lc_share;
struct net;

/**
 * struct lc_turn - work in the background that has to wait for its turn
 * @list: in the share's queue while it waits
 * @work: what is queued when its turn has come
 * @waits: it is in the queue, or has left it and @work has not begun
 * @granted: its turn has come
 * @closed: it does not wait again
 */
struct lc_turn {
	struct list_head	list;
	struct delayed_work	*work;
	bool			waits;
	bool			granted;
	bool			closed;
};

void lc_share_init(void);
void lc_share_exit(void);
struct lc_share *lc_share_get(const struct net *net);
void lc_share_put(struct lc_share *share);
bool lc_share_is_trusted(const struct lc_share *share);

bool lc_share_take(struct lc_share *share);
void lc_share_give(struct lc_share *share);

u64 lc_share_begin_looks(struct lc_share *share);
void lc_share_end_looks(struct lc_share *share, unsigned int looks, u64 begun);
void lc_share_pay(struct lc_share *share, u64 took);

void lc_turn_init(struct lc_turn *turn, struct delayed_work *work);
bool lc_turn_begin(struct lc_share *share, struct lc_turn *turn);
void lc_turn_close(struct lc_share *share, struct lc_turn *turn);

#endif /* LC_SHARE_H */
