/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PENDING_H
#define LC_PENDING_H

#include <linux/bitmap.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "drops.h"
#include "hint.h"

struct lc_dests;
struct lc_pending;

/** LC_PENDING_OTHERS - if a client has not reached as many others, that tells of the client */
#define LC_PENDING_OTHERS	3U

#define LC_PENDING_BITS		8

/** LC_PENDING_MAX - the most choices of a namespace, and the most clients */
#define LC_PENDING_MAX		BIT(LC_PENDING_BITS)

/** LC_PENDING_LOOK - jiffies between two looks at pending choices */
#define LC_PENDING_LOOK		(2 * HZ / 5)

/**
 * struct lc_pendings - choices of a namespace whose connections are not recorded yet
 * @lock: protects all of this
 * @choices: by the hash of the connection; NULL: there are no rules, or the namespace has
 *	ended
 * @drops: of clients, by their hash; behind @choices
 * @known: for each of @drops: a backend has answered the client before
 * @count: how many there are. Read without the lock
 */
struct lc_pendings {
	spinlock_t		lock;	/* all of this */
	struct lc_pending	*choices;
	struct lc_drops		*drops;
	DECLARE_BITMAP(known, LC_PENDING_MAX);
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

void lc_pendings_find(struct lc_pendings *pendings, u32 client,
		      struct lc_drops *drops);
unsigned int lc_pendings_count_others(struct lc_pendings *pendings, u32 client,
				      u32 number);
bool lc_pending_add(struct lc_pendings *pendings, const struct lc_choice *choice,
		    bool known);
u16 lc_pending_take(struct lc_pendings *pendings, u32 hash,
		    const struct lc_dests *dests);
void lc_pendings_look(struct lc_pendings *pendings,
		      bool (*look)(void *data, const struct lc_choice *choice,
				   u32 age),
		      void *data);

#endif /* LC_PENDING_H */
