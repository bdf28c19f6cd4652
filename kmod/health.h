/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HEALTH_H
#define LC_HEALTH_H

#include <linux/llist.h>
#include <linux/workqueue.h>

#include "share.h"

struct lc_backend;
struct lc_net;

/** LC_DOUBLINGS - how often the rest of a backend is doubled at most */
#define LC_DOUBLINGS	5

/**
 * struct lc_healer - judges the backends of a namespace
 * @news: backends of which something has been heard, each held
 * @work: queued when something has been heard of one, or is due
 * @turn: of @work
 */
struct lc_healer {
	struct llist_head	news;
	struct delayed_work	work;
	struct lc_turn		turn;
};

void lc_healer_init(struct lc_healer *healer);
void lc_healer_close(struct lc_healer *healer);
void lc_healer_exit(struct lc_healer *healer);

void lc_health_check(struct lc_net *ln);
void lc_health_failed(struct lc_net *ln, struct lc_backend *backend, u8 reason);
void lc_health_answers(struct lc_net *ln, struct lc_backend *backend);

#endif /* LC_HEALTH_H */
