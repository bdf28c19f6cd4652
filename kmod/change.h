/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CHANGE_H
#define LC_CHANGE_H

#include "pool.h"

/** LC_MAX_UNREADY - maximum number of backends of a namespace that are not ready */
#define LC_MAX_UNREADY	65536U

/**
 * LC_MAX_WORK - maximum number of backends that a set of changes visits
 *
 * A backend counts for each visit, and again for each pool that it is in. Half of the
 * largest pool: some 15 ms.
 */
#define LC_MAX_WORK	32768U
/** LC_MAX_WORK_HOST - the same for namespaces of the initial user namespace */
#define LC_MAX_WORK_HOST	(128 * LC_MAX_WORK)

/**
 * struct lc_request - a requested change
 * @op: &enum leastconn_op
 * @state: &enum leastconn_state; with %LC_GIVEN_STATE
 * @name: the name of a pool, or NULL
 * @key: a backend; its valid parts are in @given
 * @terms: what the pool wants of the backend; valid parts are in @given
 * @settings: of the pool; valid parts are in @given
 * @ejection_time: seconds; 0: the fail timeout of each pool
 * @given: LC_GIVEN_* flags
 * @attr: the attribute to report if the request is refused
 */
struct lc_request {
	u8			op;
	u8			state;
	const char		*name;
	struct lc_backend_key	key;
	struct lc_terms		terms;
	struct lc_settings	settings;
	u32			ejection_time;
	unsigned int		given;
#define LC_GIVEN_WEIGHT		BIT(8)
#define LC_GIVEN_MAX_CONNS	BIT(9)
#define LC_GIVEN_BACKUP		BIT(10)
#define LC_GIVEN_STATE		BIT(11)
#define LC_GIVEN_KILL		BIT(12)
#define LC_GIVEN_AHEAD		BIT(13)
#define LC_GIVEN_MAX_FAILS	BIT(14)
#define LC_GIVEN_FAIL_TIMEOUT	BIT(15)
#define LC_GIVEN_SLOW_START	BIT(16)
#define LC_GIVEN_REDISPATCH	BIT(17)
#define LC_GIVEN_PERSISTENT	BIT(18)
#define LC_GIVEN_PERSISTENT_MASK BIT(19)
	const struct nlattr	*attr;
};

/**
 * struct lc_step - a change that has been made, and how to undo it
 * @list: in lc_changes.steps
 * @event: &enum leastconn_event that the step causes; 0: none
 * @pool: the pool that is changed, or NULL
 * @member: the member that is changed, or NULL
 * @backend: the backend, or NULL; the step is a user of it
 * @terms: of the member before the step
 * @settings: of the pool before the step
 * @state: of the backend before the step
 * @notified_drained: of the backend before the step
 * @since: of the backend before the step
 * @revive: ejections and trials of the backend end
 * @eject: the backend is ejected everywhere, after @revive
 * @ejection_time: seconds; 0: the fail timeout of each pool
 * @purge: &enum lc_purge: the conntrack entries of the backend to delete
 */
struct lc_step {
	struct list_head	list;
	u8			event;
	struct lc_pool		*pool;
	struct lc_member	*member;
	struct lc_backend	*backend;
	struct lc_terms		terms;
	struct lc_settings	settings;
	u8			state;
	bool			notified_drained;
	u64			since;
	bool			revive;
	bool			eject;
	u32			ejection_time;
	u8			purge;
};

/**
 * struct lc_changes - a set of changes: all of them are made, or none
 * @pools: the namespace's
 * @steps: the steps so far, in the order they were made
 * @extack: receives the reason of a refusal
 * @work: how many more backends may be visited
 * @most: the limit: @work at first
 * @purges: a backend has conntrack entries to delete
 */
struct lc_changes {
	struct lc_pools		*pools;
	struct list_head	steps;
	struct netlink_ext_ack	*extack;
	unsigned int		work;
	unsigned int		most;
	bool			purges;
};

void lc_changes_init(struct lc_changes *changes, struct lc_pools *pools,
		     unsigned int work, struct netlink_ext_ack *extack);
int lc_changes_add(struct lc_changes *changes,
		   const struct lc_request *request);
void lc_changes_undo(struct lc_changes *changes);
void lc_changes_apply(struct lc_changes *changes);
void lc_changes_exit(struct lc_changes *changes);

#endif /* LC_CHANGE_H */
