// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes to a running namespace: what pools.c and change.c know nothing of,
 * connections that are to be tracked, adopted or ended.
 */
#include <linux/netlink.h>

#include "change.h"
#include "control.h"
#include "net.h"
#include "purge.h"
#include "share.h"

static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

/**
 * lc_control_init() - make a namespace ready to be changed
 * @control: zeroed memory
 *
 * Context: any.
 */
void lc_control_init(struct lc_control *control)
{
	mutex_init(&control->lock);
}

static int track(struct lc_net *ln, u8 family)
{
	bool *tracked = &ln->control.tracked[lc_family_index(family)];
	int err;

	lockdep_assert_held(&ln->control.lock);

	if (*tracked)
		return 0;
	err = lc_track_get(ln, family);
	if (!err)
		*tracked = true;
	return err;
}

static void untrack(struct lc_net *ln, u8 family)
{
	bool *tracked = &ln->control.tracked[lc_family_index(family)];

	lockdep_assert_held(&ln->control.lock);

	if (!*tracked)
		return;
	*tracked = false;
	lc_track_put(ln, family);
}

/**
 * lc_control_exit() - the namespace goes
 * @ln: the namespace
 *
 * Context: may sleep.
 */
void lc_control_exit(struct lc_net *ln)
{
	unsigned int i;

	mutex_lock(&ln->control.lock);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		untrack(ln, families[i]);
	mutex_unlock(&ln->control.lock);
}

/**
 * lc_control_begin() - changes are to come
 * @ln: the namespace
 * @changes: to be filled, and given to lc_control_undo() or lc_control_apply()
 * @extack: where refusals go
 *
 * Context: may sleep.
 */
void lc_control_begin(struct lc_net *ln, struct lc_changes *changes,
		      struct netlink_ext_ack *extack)
{
	mutex_lock(&ln->control.lock);
	mutex_lock(&ln->backends.lock);
	lc_changes_init(changes, &ln->pools,
			lc_share_is_trusted(ln->share) ? LC_MAX_WORK_HOST :
						    LC_MAX_WORK, extack);
}

/**
 * lc_control_add() - one more change
 * @ln: the namespace
 * @changes: together with these
 * @request: a request whose fields are good, each for itself
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0, or a negative errno: then all are to be undone.
 */
int lc_control_add(struct lc_net *ln, struct lc_changes *changes,
		   const struct lc_request *request)
{
	int err = 0;

	/* Whoever appears is to be counted from then on. */
	if (request->op == LEASTCONN_OP_ADD ||
	    request->op == LEASTCONN_OP_STATE)
		err = track(ln, request->key.family);
	if (request->given & LC_GIVEN_PERSISTENT)
		err = err ?: lc_clients_open(&ln->clients);
	return err ?: lc_changes_add(changes, request);
}

static void end(struct lc_net *ln, struct lc_changes *changes)
{
	unsigned int i;

	lc_changes_exit(changes);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (!ln->pools.members[i] && !ln->backends.kept[i])
			untrack(ln, families[i]);
	mutex_unlock(&ln->backends.lock);
	mutex_unlock(&ln->control.lock);
}

/**
 * lc_control_undo() - changes are not to be
 * @ln: the namespace
 * @changes: begun and, as far as they went, added
 *
 * Context: may sleep.
 */
void lc_control_undo(struct lc_net *ln, struct lc_changes *changes)
{
	lc_changes_undo(changes);
	end(ln, changes);
}

/**
 * lc_control_apply() - changes are made
 * @ln: the namespace
 * @changes: begun and added
 *
 * On return packets see them, backends that appeared have their connections, and
 * connections that were to end have ended.
 *
 * Context: may sleep.
 * Return: how many conntrack entries were deleted.
 */
unsigned int lc_control_apply(struct lc_net *ln, struct lc_changes *changes)
{
	unsigned int purged = 0;

	lc_changes_apply(changes);
	mutex_unlock(&ln->backends.lock);
	if (ln->control.tracked[0] || ln->control.tracked[1])
		lc_scan_adopt(ln);
	if (changes->purges)
		purged = lc_purge(ln);
	lc_health_check(ln);
	mutex_lock(&ln->backends.lock);
	end(ln, changes);
	return purged;
}
