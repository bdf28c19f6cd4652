// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keepers: connections are counted for pools and backends that no rule uses.
 *
 * To register hooks may take long. conntrack waits for a lock that any namespace may hold
 * while it flushes its entries; the memory of hooks may have to wait for its cgroup. Rules
 * are added in a system call of their user, but commands run while all of generic netlink
 * waits. So a work registers hooks for them, and a command waits for it for a while only.
 * Then it fails, and its sender tries again.
 */
#include <linux/errno.h>

#include "gc.h"
#include "keep.h"
#include "report.h"
#include "scan.h"
#include "share.h"
#include "track.h"

/* A queue of its own: a work may wait for long. */
static struct workqueue_struct *keep_wq;

static int keep_get(struct lc_keeper *keeper, enum lc_keep what)
{
	switch (what) {
	case LC_KEEP_IPV4:
		return lc_track_get(keeper->tracker, NFPROTO_IPV4);
	case LC_KEEP_IPV6:
		return lc_track_get(keeper->tracker, NFPROTO_IPV6);
	default:
		return lc_track_redispatch(keeper->tracker);
	}
}

static void keep_put(struct lc_keeper *keeper, enum lc_keep what)
{
	if (what == LC_KEEP_IPV4)
		lc_track_put(keeper->tracker, NFPROTO_IPV4);
	else if (what == LC_KEEP_IPV6)
		lc_track_put(keeper->tracker, NFPROTO_IPV6);
}

static void keeper_begin(struct lc_keeper *keeper, enum lc_keep what)
{
	int err = keep_get(keeper, what);

	spin_lock(&keeper->lock);
	keeper->err[what] = err;
	if (err)
		keeper->wanted[what] = false;
	else
		keeper->kept[what] = true;
	spin_unlock(&keeper->lock);
	wake_up_all(&keeper->done);
}

/* Return: true if something has changed. */
static bool keeper_update(struct lc_keeper *keeper, enum lc_keep what)
{
	bool wanted, kept;

	spin_lock(&keeper->lock);
	wanted = keeper->wanted[what];
	kept = keeper->kept[what];
	/* From here on a command cannot rely on it. */
	keeper->kept[what] = kept && wanted;
	spin_unlock(&keeper->lock);
	if (wanted == kept)
		return false;
	if (wanted)
		keeper_begin(keeper, what);
	else
		keep_put(keeper, what);
	return true;
}

/* Commands make it run as often as their sender likes: they pay for it. */
static void keeper_work(struct work_struct *work)
{
	struct lc_keeper *keeper = container_of(work, struct lc_keeper, work);
	struct lc_share *share = keeper->tracker->scan->gc->healer->share;
	u64 begun = lc_processor_time();
	enum lc_keep what;

	for (what = 0; what < LC_KEEPS; what++)
		while (keeper_update(keeper, what))
			;
	lc_share_charge_worker(share, lc_processor_time() - begun);
}

/**
 * lc_keep_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_keep_init(void)
{
	keep_wq = alloc_workqueue("leastconn_keep", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return keep_wq ? 0 : -ENOMEM;
}

/**
 * lc_keep_exit() - the module unloads, after all its namespaces have ended
 */
void lc_keep_exit(void)
{
	destroy_workqueue(keep_wq);
}

/**
 * lc_keeper_init() - set up a namespace's keeper
 * @keeper: zeroed memory
 * @tracker: the namespace's
 *
 * Context: any.
 */
void lc_keeper_init(struct lc_keeper *keeper, struct lc_tracker *tracker)
{
	keeper->tracker = tracker;
	spin_lock_init(&keeper->lock);
	init_waitqueue_head(&keeper->done);
	INIT_WORK(&keeper->work, keeper_work);
}

/**
 * lc_keeper_close() - the namespace ends: keep nothing any more
 * @keeper: the namespace's; no command runs any more
 *
 * Context: may sleep.
 */
void lc_keeper_close(struct lc_keeper *keeper)
{
	enum lc_keep what;

	cancel_work_sync(&keeper->work);
	for (what = 0; what < LC_KEEPS; what++)
		if (keeper->kept[what])
			keep_put(keeper, what);
}

/* Return: true if it is kept already. */
static bool keeper_set_wanted(struct lc_keeper *keeper, enum lc_keep what, bool wanted)
{
	bool kept;

	spin_lock(&keeper->lock);
	keeper->wanted[what] = wanted;
	keeper->err[what] = 0;
	kept = keeper->kept[what];
	spin_unlock(&keeper->lock);
	return kept;
}

/* Return: 1 if it is kept, 0 if it will be, or a negative errno, once. */
static int keeper_ask(struct lc_keeper *keeper, enum lc_keep what)
{
	int answer;

	spin_lock(&keeper->lock);
	answer = keeper->kept[what] ? 1 : keeper->err[what];
	keeper->err[what] = 0;
	spin_unlock(&keeper->lock);
	return answer;
}

/**
 * lc_keeper_want() - keep something registered until lc_keeper_release()
 * @keeper: the namespace's; the caller serializes calls
 * @what: &enum lc_keep
 * @timeout: jiffies to wait
 *
 * Context: may sleep; the memory of the namespace is charged to the caller.
 * Return: 0; -EAGAIN if it takes longer: it is done all the same; -EINTR if the caller is
 *	to be killed; or another negative errno.
 */
int lc_keeper_want(struct lc_keeper *keeper, enum lc_keep what, unsigned long timeout)
{
	int answer;
	long left;

	if (keeper_set_wanted(keeper, what, true))
		return 0;
	answer = lc_track_prepare(keeper->tracker, what == LC_KEEP_REDISPATCH);
	if (answer) {
		keeper_set_wanted(keeper, what, false);
		return answer;
	}
	queue_work(keep_wq, &keeper->work);
	left = wait_event_killable_timeout(keeper->done,
					   (answer = keeper_ask(keeper, what)),
					   timeout);
	if (left < 0)
		return -EINTR;
	if (!left && !answer)
		return -EAGAIN;
	return min(answer, 0);
}

/**
 * lc_keeper_release() - undo lc_keeper_want(), soon
 * @keeper: the namespace's; the caller serializes calls
 * @what: &enum lc_keep
 *
 * What has not been registered yet will be: a command that has failed is sent again.
 *
 * Context: any.
 */
void lc_keeper_release(struct lc_keeper *keeper, enum lc_keep what)
{
	bool kept;

	spin_lock(&keeper->lock);
	kept = keeper->kept[what];
	if (kept)
		keeper->wanted[what] = false;
	spin_unlock(&keeper->lock);
	if (kept)
		queue_work(keep_wq, &keeper->work);
}

/**
 * lc_keeper_tracks() - are connections tracked for pools and backends?
 * @keeper: the namespace's
 *
 * Context: any.
 * Return: true if those of a family are.
 */
bool lc_keeper_tracks(struct lc_keeper *keeper)
{
	return READ_ONCE(keeper->kept[LC_KEEP_IPV4]) ||
	       READ_ONCE(keeper->kept[LC_KEEP_IPV6]);
}
