/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SNAPSHOT_H
#define LC_SNAPSHOT_H

#include "pool.h"

/**
 * struct lc_row - a pool, a backend of a pool, or a backend, as it was
 * @name: the pool's; empty: a rule's own, or none
 * @rule: which rule's pool, when @name is empty
 * @rules: how many rules use the pool; of a pool's row
 * @members: how many backends the pool has; of a pool's row
 * @settings: the pool's; of a pool's row
 * @is_backend: whether what follows is filled
 * @is_member: whether @terms are
 * @key: the backend
 * @terms: what the pool wants of it
 * @health: &enum leastconn_health; of a member's row
 * @reason: &enum leastconn_reason; the same
 * @state: &enum leastconn_state
 * @active: its connections
 * @inactive: its closed ones
 * @total: those it ever had
 * @fails: those of them that it failed
 */
struct lc_row {
	char			name[LEASTCONN_NAME_SIZE];
	u32			rule;
	u32			rules;
	u32			members;
	struct lc_settings	settings;
	bool			is_backend;
	bool			is_member;
	struct lc_backend_key	key;
	struct lc_terms		terms;
	u8			health;
	u8			reason;
	u8			state;
	u32			active;
	u32			inactive;
	u64			total;
	u32			fails;
};

/**
 * struct lc_snapshot - what there was at one moment
 * @count: rows in use
 * @rows: they
 */
struct lc_snapshot {
	unsigned int	count;
	struct lc_row	rows[];
};

void lc_row_pool(struct lc_row *row, const struct lc_pool *pool);
void lc_row_backend(struct lc_row *row, const struct lc_backend *backend);
void lc_row_member(struct lc_row *row, const struct lc_member *member);

struct lc_snapshot *lc_snapshot_pools(struct lc_pools *pools);
struct lc_snapshot *lc_snapshot_pool(struct lc_pools *pools, const char *name);
struct lc_snapshot *lc_snapshot_backends(struct lc_backends *backends,
					 const struct lc_backend_key *key,
					 unsigned int given);
void lc_snapshot_free(struct lc_snapshot *snapshot);

#endif /* LC_SNAPSHOT_H */
