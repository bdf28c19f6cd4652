// SPDX-License-Identifier: GPL-2.0-only
/*
 * The notifier: finds backends that became drained, full, ejected or the reverse,
 * and reports them.
 *
 * Lower files only know that there may be such transitions. The file that sends
 * events sets the notifier.
 */
#include "notify.h"
#include "pool.h"

static u64 (*notify_transitions)(struct lc_pools *pools);

/**
 * lc_notify_set() - set the notifier
 * @notifier: reports the transitions of a namespace, or some of them; may sleep and
 *	returns the nanoseconds that it took. NULL: no notifier
 *
 * The previous notifier may still be running on return.
 *
 * Context: any.
 */
void lc_notify_set(u64 (*notifier)(struct lc_pools *pools))
{
	WRITE_ONCE(notify_transitions, notifier);
}

/**
 * lc_notify() - report transitions, or some of them
 * @pools: the namespace's
 *
 * Context: may sleep; a command, or work of lc_wq.
 * Return: nanoseconds that it took.
 */
u64 lc_notify(struct lc_pools *pools)
{
	u64 (*notifier)(struct lc_pools *pools) = READ_ONCE(notify_transitions);

	return notifier ? notifier(pools) : 0;
}

/**
 * lc_notify_is_pending() - must lc_notify() be called again?
 * @pools: the namespace's
 *
 * Context: any.
 * Return: true if there may be transitions that have not been reported.
 */
bool lc_notify_is_pending(const struct lc_pools *pools)
{
	return READ_ONCE(notify_transitions) &&
	       (READ_ONCE(pools->recheck) || READ_ONCE(pools->to_check) ||
		READ_ONCE(pools->backends->to_check) ||
		!list_empty(&pools->to_notify));
}
