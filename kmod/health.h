/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HEALTH_H
#define LC_HEALTH_H

#include <linux/llist.h>
#include <linux/workqueue.h>

struct lc_backend;
struct lc_net;

/** LC_DOUBLINGS - how often the rest of a backend is doubled at most */
#define LC_DOUBLINGS	5

/**
 * struct lc_healer - judges the backends of a namespace
 * @closed: the namespace goes
 * @pauses: @work is queued, and does nothing before it has paused
 * @paid: nanoseconds of the clock, when what runs have taken is made up for
 * @news: backends of which something has been heard, each held
 * @work: queued when something has been heard of one, or is due
 */
struct lc_healer {
	bool			closed;
	bool			pauses;
	u64			paid;
	struct llist_head	news;
	struct delayed_work	work;
};

void lc_healer_init(struct lc_healer *healer);
void lc_healer_close(struct lc_healer *healer);
void lc_healer_exit(struct lc_healer *healer);

void lc_health_check(struct lc_net *ln);
void lc_health_failed(struct lc_net *ln, struct lc_backend *backend, u8 reason);
void lc_health_answers(struct lc_net *ln, struct lc_backend *backend);

#endif /* LC_HEALTH_H */
