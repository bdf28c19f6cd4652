/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CHANGE_H
#define LC_CHANGE_H

#include "pool.h"

/** LC_MAX_UNREADY - most backends of a namespace that can be other than ready */
#define LC_MAX_UNREADY	65536U

/**
 * LC_MAX_WORK - most backends that one set of changes looks at
 *
 * A backend counts each time, and once more for each pool that it is in. Half
 * of what the largest pool has: some 15 ms.
 */
#define LC_MAX_WORK	32768U
/** LC_MAX_WORK_HOST - the same, in a namespace of the host's own user namespace */
#define LC_MAX_WORK_HOST	(128 * LC_MAX_WORK)

/**
 * struct lc_request - what somebody wants changed
 * @op: &enum leastconn_op
 * @state: &enum leastconn_state, if %LC_GIVEN_STATE
 * @name: a pool's
 * @key: a backend's, as far as it is given
 * @terms: as far as they are given
 * @settings: as far as they are given
 * @given: which of them are
 * @attr: what to point at when it is refused
 */
struct lc_request {
	u8			op;
	u8			state;
	const char		*name;
	struct lc_backend_key	key;
	struct lc_terms		terms;
	struct lc_settings	settings;
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
 * struct lc_step - one thing done, and how to undo it
 * @list: in lc_changes.steps
 * @event: &enum leastconn_event, 0: nothing to tell
 * @pool: the pool it is about, if any
 * @member: the member, if any
 * @backend: the backend, if any; used
 * @terms: the member had before
 * @settings: the pool had before
 * @state: the backend had before
 * @notified_drained: the same
 * @since: the same
 * @purge: of the backend
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
	u8			purge;
};

/**
 * struct lc_changes - changes that are made together or not at all
 * @pools: of the namespace
 * @steps: done so far
 * @extack: where refusals go
 * @work: how many backends may still be looked at
 * @most: how many that was at first
 * @purges: there is something to purge
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
