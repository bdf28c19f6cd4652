/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PENDING_H
#define LC_PENDING_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "hint.h"

struct lc_dests;
struct lc_pending;

/** LC_PENDING_LOOK - jiffies between two looks at pending choices */
#define LC_PENDING_LOOK		(2 * HZ / 5)

/** LC_PENDING_TIME - jiffies until a pending choice was dropped: two SYNs more */
#define LC_PENDING_TIME		(7 * HZ / 2)

/** LC_DROPS - backends of a client that are remembered because it did not reach them */
#define LC_DROPS		3

/** LC_DROP_AGE - jiffies in which a packet may still be on its way */
#define LC_DROP_AGE		(HZ / 10)

/**
 * struct lc_drops - the backends that a client has not reached
 * @client: the client
 * @when: low bits of jiffies, when the last choice was added
 * @numbers: lc_backend.number of the backends; the last one comes first. 0: none
 * @since: low bits of jiffies, when its first choice was added; of each one
 */
struct lc_drops {
	u32	client;
	u32	when;
	u32	numbers[LC_DROPS];
	u32	since[LC_DROPS];
};

/**
 * struct lc_pendings - choices of a namespace whose connections are not recorded yet
 * @lock: protects all of this
 * @choices: by the hash of the connection; NULL: there are no rules, or the namespace has
 *	ended
 * @drops: of clients, by their hash; behind @choices
 * @count: how many there are. Read without the lock
 */
struct lc_pendings {
	spinlock_t		lock;	/* all of this */
	struct lc_pending	*choices;
	struct lc_drops		*drops;
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
unsigned int lc_drops_last(const struct lc_drops *drops, u32 number);
bool lc_pending_add(struct lc_pendings *pendings, const struct lc_choice *choice);
u16 lc_pending_take(struct lc_pendings *pendings, u32 hash,
		    const struct lc_dests *dests);
void lc_pendings_look(struct lc_pendings *pendings,
		      bool (*look)(void *data, const struct lc_choice *choice,
				   u32 age),
		      void *data);

#endif /* LC_PENDING_H */
