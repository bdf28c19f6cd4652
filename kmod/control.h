/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CONTROL_H
#define LC_CONTROL_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "keep.h"

struct lc_changes;
struct lc_request;
struct lc_tracker;
struct netlink_ext_ack;

/**
 * struct lc_control - changes at run time to a namespace's pools and backends
 * @tracker: the namespace's
 * @lock: serializes sets of changes. Taken before lc_backends.lock
 * @keep_until: jiffies until which the set in progress may wait for @keeper
 * @keeper: tracks connections for pools and states, which need no rule
 */
struct lc_control {
	struct lc_tracker	*tracker;
	struct mutex		lock;	/* serializes sets of changes */
	unsigned long		keep_until;
	struct lc_keeper	keeper;
};

void lc_control_init(struct lc_control *control, struct lc_tracker *tracker);
void lc_control_exit(struct lc_control *control);

void lc_control_begin(struct lc_control *control, struct lc_changes *changes,
		      struct netlink_ext_ack *extack);
int lc_control_add(struct lc_control *control, struct lc_changes *changes,
		   const struct lc_request *request);
void lc_control_undo(struct lc_control *control, struct lc_changes *changes);
unsigned int lc_control_apply(struct lc_control *control,
			      struct lc_changes *changes);

#endif /* LC_CONTROL_H */
