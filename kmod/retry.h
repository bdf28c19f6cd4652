/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_RETRY_H
#define LC_RETRY_H

#include <linux/types.h>

#include "drops.h"
#include "record.h"

/** LC_TRIED - backends that are remembered because a connection was taken from them */
#define LC_TRIED	(2 * LC_MAX_TRIES)

struct lc_retry;
struct sk_buff;

/**
 * struct lc_retries - what redispatched connections of a namespace have tried
 * @retries: by the hash of a record's key; NULL: nothing redispatches
 * @left: by the hash of a packet from a backend that was left; behind @retries
 *
 * There are no locks. A connection that is overwritten by another one may be given to
 * the same backend again, and its late answer is not dropped.
 */
struct lc_retries {
	struct lc_retry	*retries;
	u64		*left;
};

/**
 * struct lc_tried - a connection that not every backend should get
 * @retries: the namespace's
 * @hash: of the key of the connection's record
 * @drops: backends that its client has not reached
 * @client: its client, if other clients can decide trials; 0: this one may decide them
 */
struct lc_tried {
	const struct lc_retries	*retries;
	u32			hash;
	struct lc_drops		drops;
	u32			client;
};

int lc_retries_open(struct lc_retries *retries);
void lc_retries_close(struct lc_retries *retries);

void lc_retry_add(struct lc_retries *retries, u32 hash,
		  const struct lc_backend *backend);
unsigned int lc_retry_last(const struct lc_retries *retries, u32 hash,
			   const struct lc_backend *backend);
void lc_retry_leave(struct lc_retries *retries, u32 hash);
bool lc_retry_left(const struct lc_retries *retries, u32 hash);

#endif /* LC_RETRY_H */
