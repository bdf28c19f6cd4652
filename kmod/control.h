/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CONTROL_H
#define LC_CONTROL_H

#include <linux/mutex.h>
#include <linux/types.h>

struct lc_changes;
struct lc_net;
struct lc_request;
struct netlink_ext_ack;

/**
 * struct lc_control - changes at run time to a namespace's pools and backends
 * @lock: one set of changes at a time; @tracked. Taken before lc_backends.lock
 * @tracked: of IPv4, of IPv6, whether connections are tracked for pools and
 *	states, which need no rule
 */
struct lc_control {
	struct mutex	lock;	/* tracked */
	bool		tracked[2];
};

void lc_control_init(struct lc_control *control);
void lc_control_exit(struct lc_net *ln);

void lc_control_begin(struct lc_net *ln, struct lc_changes *changes,
		      struct netlink_ext_ack *extack);
int lc_control_add(struct lc_net *ln, struct lc_changes *changes,
		   const struct lc_request *request);
void lc_control_undo(struct lc_net *ln, struct lc_changes *changes);
unsigned int lc_control_apply(struct lc_net *ln, struct lc_changes *changes);

#endif /* LC_CONTROL_H */
