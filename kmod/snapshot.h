/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SNAPSHOT_H
#define LC_SNAPSHOT_H

#include "pool.h"

/**
 * struct lc_row - a copy of a pool, of a backend in a pool, or of a backend
 *
 * Of a pool, also in the row of a member:
 * @name: its name; empty: the pool of a rule with --to
 * @rule: number of the rule with --to; valid if @name is empty
 * @rules: how many rules use it
 * @members: how many backends it has
 * @settings: its settings
 *
 * Of a backend:
 * @is_backend: the row is that of a backend, alone or in a pool
 * @is_member: the row is that of a backend in a pool
 * @key: its key
 * @state: &enum leastconn_state
 * @active: its active connections
 * @inactive: its closed connections that still have a conntrack entry
 * @total: the connections that it ever had
 * @fails: how many connections have failed
 *
 * Of a backend in a pool:
 * @terms: what the pool wants of it
 * @health: &enum leastconn_health
 * @reason: &enum leastconn_reason
 * @counted: its connections that count towards the limit of @terms
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
	u32			counted;
};

/**
 * struct lc_snapshot - pools and backends at one moment
 * @count: how many rows are filled
 * @rows: the rows
 */
struct lc_snapshot {
	unsigned int	count;
	struct lc_row	rows[];
};

void lc_row_set_pool(struct lc_row *row, const struct lc_pool *pool);
void lc_row_set_backend(struct lc_row *row, const struct lc_backend *backend);
void lc_row_set_member(struct lc_row *row, const struct lc_member *member);

struct lc_snapshot *lc_snapshot_pools(struct lc_pools *pools);
struct lc_snapshot *lc_snapshot_pool(struct lc_pools *pools, const char *name);
struct lc_snapshot *lc_snapshot_backends(struct lc_backends *backends,
					 const struct lc_backend_key *key,
					 unsigned int given);
void lc_snapshot_free(struct lc_snapshot *snapshot);

#endif /* LC_SNAPSHOT_H */
