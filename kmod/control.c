// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control: changes at run time, with their effects on connections.
 *
 * Changes themselves are made by change.c. Here connections are tracked and
 * adopted, and conntrack entries deleted for them.
 */
#include <linux/jiffies.h>
#include <linux/netlink.h>

#include "addr.h"
#include "change.h"
#include "control.h"
#include "healer.h"
#include "purge.h"
#include "scan.h"
#include "share.h"
#include "track.h"

/* Other commands wait for a set of changes that waits for the keeper. */
#define LC_KEEP_TIMEOUT		(HZ / 4)

static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

/**
 * lc_control_init() - set up a namespace's control
 * @control: zeroed memory
 * @tracker: the namespace's
 *
 * Context: any.
 */
void lc_control_init(struct lc_control *control, struct lc_tracker *tracker)
{
	control->tracker = tracker;
	mutex_init(&control->lock);
	lc_keeper_init(&control->keeper, tracker);
}

static struct lc_healer *control_healer(const struct lc_control *control)
{
	return control->tracker->scan->gc->healer;
}

static int control_want(struct lc_control *control, const struct lc_changes *changes,
			enum lc_keep what)
{
	long left = control->keep_until - jiffies;
	int err;

	lockdep_assert_held(&control->lock);

	err = lc_keeper_want(&control->keeper, what, max(left, 0L));
	if (err == -EAGAIN)
		NL_SET_ERR_MSG(changes->extack,
			       "hooks cannot be registered while others flush connections: try again");
	return err;
}

/**
 * lc_control_exit() - the namespace ends
 * @control: the namespace's
 *
 * Context: may sleep.
 */
void lc_control_exit(struct lc_control *control)
{
	lc_keeper_close(&control->keeper);
}

/**
 * lc_control_begin() - begin a set of changes
 * @control: the namespace's
 * @changes: to be initialized; the caller ends them by lc_control_undo() or
 *	lc_control_apply()
 * @extack: receives the reason of a refusal
 *
 * Context: may sleep.
 */
void lc_control_begin(struct lc_control *control, struct lc_changes *changes,
		      struct netlink_ext_ack *extack)
{
	struct lc_healer *healer = control_healer(control);

	mutex_lock(&control->lock);
	mutex_lock(&healer->pools->backends->lock);
	control->keep_until = jiffies + LC_KEEP_TIMEOUT;
	lc_changes_init(changes, healer->pools,
			lc_share_is_trusted(healer->share) ? LC_MAX_WORK_HOST :
							     LC_MAX_WORK,
			extack);
}

/**
 * lc_control_add() - add a change to a set
 * @control: the namespace's
 * @changes: the set
 * @request: a request, each of whose fields is valid
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0, or a negative errno: then the caller undoes the set.
 */
int lc_control_add(struct lc_control *control, struct lc_changes *changes,
		   const struct lc_request *request)
{
	int err = 0;

	/* A backend that appears is counted from then on. */
	if (request->op == LEASTCONN_OP_ADD ||
	    request->op == LEASTCONN_OP_STATE)
		err = control_want(control, changes,
				   lc_keep_family(request->key.family));
	if (request->given & LC_GIVEN_PERSISTENT)
		err = err ?: lc_clients_open(control_healer(control)->clients);
	if (request->given & LC_GIVEN_REDISPATCH && request->settings.redispatch)
		err = err ?: control_want(control, changes, LC_KEEP_REDISPATCH);
	return err ?: lc_changes_add(changes, request);
}

static void control_end(struct lc_control *control, struct lc_changes *changes)
{
	struct lc_pools *pools = changes->pools;
	struct lc_backends *backends = pools->backends;
	unsigned int i;

	lc_changes_exit(changes);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (!pools->n_members[i] && !backends->n_unready[i])
			lc_keeper_release(&control->keeper,
					  lc_keep_family(families[i]));
	mutex_unlock(&backends->lock);
	mutex_unlock(&control->lock);
}

/**
 * lc_control_undo() - undo a set of changes
 * @control: the namespace's
 * @changes: the set, as far as it was added
 *
 * Context: may sleep.
 */
void lc_control_undo(struct lc_control *control, struct lc_changes *changes)
{
	lc_changes_undo(changes);
	control_end(control, changes);
}

/**
 * lc_control_apply() - put a set of changes into force
 * @control: the namespace's
 * @changes: the set
 *
 * On return packets see the changes, the connections of backends that appeared are
 * counted, and entries that are to be purged are deleted.
 *
 * Context: may sleep.
 * Return: how many conntrack entries were deleted.
 */
unsigned int lc_control_apply(struct lc_control *control,
			      struct lc_changes *changes)
{
	struct lc_backends *backends = changes->pools->backends;
	unsigned int purged = 0;

	lc_changes_apply(changes);
	mutex_unlock(&backends->lock);
	if (lc_keeper_tracks(&control->keeper))
		lc_scan_adopt(control->tracker->scan);
	if (changes->purges)
		purged = lc_purge(control->tracker->scan->gc);
	lc_healer_check(control_healer(control));
	mutex_lock(&backends->lock);
	control_end(control, changes);
	return purged;
}
