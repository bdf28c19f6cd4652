/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_POOL_H
#define LC_POOL_H

#include "member.h"

struct lc_choice;
struct lc_tried;

/**
 * struct lc_pool_keys - the keys of a pool's backends at one moment
 * @count: how many there are
 * @keys: in ascending order
 */
struct lc_pool_keys {
	unsigned int		count;
	struct lc_backend_key	keys[];
};

void lc_pools_init(struct lc_pools *pools, struct lc_backends *backends);
void lc_pools_exit(struct lc_pools *pools);

struct lc_pool *lc_pool_alloc(struct lc_pools *pools, const char *name,
			      unsigned int size);
void lc_pool_free(struct lc_pool *pool);
void lc_pool_hide(struct lc_pool *pool, bool gone);
struct lc_pool *lc_pool_find(struct lc_pools *pools, const char *name);
bool lc_pool_is_name(const char *text, size_t len);
unsigned int lc_pool_rules(const struct lc_pool *pool);
u8 lc_pool_proto(const struct lc_pool *pool);

struct lc_pool_keys *lc_pool_keys_alloc(struct lc_pools *pools, const char *name);
bool lc_pool_keys_have(const struct lc_pool_keys *keys,
		       const struct lc_backend_key *key);

void lc_pool_update(struct lc_pool *pool);
const char *lc_pool_use(struct lc_pool *pool, u8 family, u8 proto);
void lc_pool_unuse(struct lc_pool *pool, u8 family, u8 proto);

const char *lc_pool_accepts(const struct lc_pool *pool,
			    const struct lc_backend_key *key);

bool lc_pool_choose(struct lc_pool *pool, struct lc_choice *choice);
bool lc_pool_choose_untried(struct lc_pool *pool, struct lc_choice *choice,
			    const struct lc_tried *tried);
bool lc_pool_avoids(const struct lc_tried *tried, const struct lc_backend *backend);
bool lc_pool_take(struct lc_pool *pool, const struct lc_choice *choice);

#endif /* LC_POOL_H */
