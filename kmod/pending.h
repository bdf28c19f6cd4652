/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PENDING_H
#define LC_PENDING_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "hint.h"

struct lc_pending;

/** LC_PENDING_LOOK - jiffies between two looks at pending choices */
#define LC_PENDING_LOOK		(2 * HZ / 5)

/** LC_DROPS - choices of a connection that are remembered while one is pending */
#define LC_DROPS		3

/**
 * struct lc_drops - where the packets of a connection did not arrive
 * @numbers: lc_backend.number of the backends that were chosen; the last one comes
 *	first. 0: none
 */
struct lc_drops {
	u32	numbers[LC_DROPS];
};

/**
 * struct lc_pendings - choices of a namespace whose connections are not recorded yet
 * @lock: protects all of this
 * @choices: by the hash of the connection; NULL: there are no rules, or the namespace has
 *	ended
 * @count: how many there are. Read without the lock
 */
struct lc_pendings {
	spinlock_t		lock;	/* all of this */
	struct lc_pending	*choices;
	unsigned int		count;
};

/**
 * lc_pendings_exist() - is a choice pending?
 * @pendings: the namespace's
 *
 * Context: any.
 */
static inline bool lc_pendings_exist(const struct lc_pendings *pendings)
{
	return READ_ONCE(pendings->count);
}

void lc_pendings_init(struct lc_pendings *pendings);
int lc_pendings_open(struct lc_pendings *pendings);
void lc_pendings_close(struct lc_pendings *pendings);

bool lc_pending_add(struct lc_pendings *pendings, const struct lc_choice *choice);
void lc_pending_find(struct lc_pendings *pendings, u32 hash,
		     struct lc_drops *drops);
u16 lc_pending_take(struct lc_pendings *pendings, u32 hash);
void lc_pendings_look(struct lc_pendings *pendings,
		      bool (*look)(void *data, const struct lc_choice *choice,
				   u32 age),
		      void *data);

#endif /* LC_PENDING_H */
