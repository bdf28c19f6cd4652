// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: notifications to listeners, and the checks that find what to notify of.
 *
 * Any number of sockets can listen, each with a socket filter. So listeners decide how
 * long it takes to send an event, and the time is limited. Many events are sent in one
 * buffer. If a command outside the initial user namespace exceeds its time, the rest
 * of its events is dropped and the listeners get ENOBUFS. Checks that exceed theirs
 * are continued later. If memory is short, the rest of the events is dropped, too.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <net/genetlink.h>

#include "change.h"
#include "event.h"
#include "mem.h"
#include "message.h"
#include "net.h"
#include "share.h"
#include "snapshot.h"

/* Nanoseconds that sending may take, in a command and in checks. */
#define LC_SEND_COMMAND	(100 * NSEC_PER_MSEC)
#define LC_SEND_CHECK	(10 * NSEC_PER_MSEC)
#define LC_CHECKS	1024U	/* of each kind, in one call */

/**
 * struct events - events for the listeners of a namespace
 * @family: the control family
 * @net: the namespace
 * @skb: events that have not been sent, or NULL
 * @left: nanoseconds of processor time that sending may still take; negative: the rest
 *	has been dropped, or must be
 * @charged: memory is charged to this process: it runs the command
 */
struct events {
	const struct genl_family	*family;
	struct net			*net;
	struct sk_buff			*skb;
	s64				left;
	bool				charged;
};

/* Kernel workers are not charged. */
static gfp_t event_gfp(const struct events *events)
{
	return events->charged ? lc_mem_gfp() : GFP_KERNEL;
}

static void event_send(struct events *events)
{
	struct sk_buff *skb = events->skb;

	events->skb = NULL;
	if (skb)
		genlmsg_multicast_netns(events->family, events->net, skb, 0, 0,
					event_gfp(events));
}

/* Send no more events, and report that to the listeners. */
static void event_drop_rest(struct events *events)
{
	nlmsg_free(events->skb);
	events->skb = NULL;
	events->left = -1;
	genl_set_err(events->family, events->net, 0, 0, -ENOBUFS);
}

static int event_put(struct events *events, u8 event, const struct lc_row *row)
{
	struct sk_buff *skb = events->skb;
	void *message = genlmsg_put(skb, 0, 0, events->family, 0,
				    LEASTCONN_CMD_EVENT);

	if (!message)
		return -EMSGSIZE;
	if (nla_put_u32(skb, LEASTCONN_A_EVENT, event) ||
	    lc_message_put(skb, row)) {
		genlmsg_cancel(skb, message);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, message);
	return 0;
}

static bool event_has_listeners(const struct events *events)
{
	return genl_has_listeners(events->family, events->net, 0);
}

static void event_notify(struct events *events, u8 event,
			 const struct lc_row *row)
{
	u64 since;

	if (!event_has_listeners(events))
		return;
	if (events->skb && !event_put(events, event, row))
		return;
	since = lc_processor_time();
	event_send(events);
	events->skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, event_gfp(events));
	events->left -= lc_processor_time() - since;
	if (!events->skb || event_put(events, event, row))
		event_drop_rest(events);
}

/* Called before the step is applied, which may free its pool or member. */
static void event_notify_step(struct events *events, const struct lc_step *step)
{
	struct lc_row row = {};

	if (step->event == LEASTCONN_EVENT_STATE)
		lc_row_set_backend(&row, step->backend);
	else if (step->member)
		lc_row_set_member(&row, step->member);
	else
		lc_row_set_pool(&row, step->pool);
	event_notify(events, step->event, &row);
}

/**
 * lc_event_notify_changes() - notify listeners of a set of changes
 * @family: the control family
 * @net: the namespace
 * @changes: the set, not applied yet
 *
 * Context: may sleep; the pools are locked.
 */
void lc_event_notify_changes(const struct genl_family *family, struct net *net,
			     const struct lc_changes *changes)
{
	struct events events = {
		.family	= family,
		.net	= net,
		.left	= lc_share_is_trusted(lc_net(net)->share) ? S64_MAX :
							LC_SEND_COMMAND,
		.charged = true,
	};
	const struct lc_step *step;

	if (!event_has_listeners(&events))
		return;
	list_for_each_entry(step, &changes->steps, list) {
		if (!step->event)
			continue;
		event_notify_step(&events, step);
		if (events.left < 0 || fatal_signal_pending(current)) {
			event_drop_rest(&events);
			return;
		}
	}
	event_send(&events);
}

static void event_check_drained(struct events *events,
				struct lc_backend *backend)
{
	bool drained = backend->state != LEASTCONN_STATE_READY &&
		       lc_backend_active(backend) <= 0;
	struct lc_row row = {};

	if (drained && !backend->notified_drained) {
		lc_row_set_backend(&row, backend);
		event_notify(events, LEASTCONN_EVENT_DRAINED, &row);
	}
	backend->notified_drained = drained;
}

static void event_check_full(struct events *events, struct lc_member *member)
{
	bool full = lc_member_is_full(member);
	struct lc_row row = {};

	if (full == member->notified_full)
		return;
	member->notified_full = full;
	lc_row_set_member(&row, member);
	event_notify(events, full ? LEASTCONN_EVENT_FULL : LEASTCONN_EVENT_NOT_FULL,
		     &row);
}

/* A member on trial is not back yet: for listeners it is still ejected. */
static void event_check_member_health(struct events *events,
				      struct lc_member *member)
{
	bool out = lc_health_is_out(&member->health);
	struct lc_row row = {};

	if (out == member->notified_out)
		return;
	member->notified_out = out;
	lc_row_set_member(&row, member);
	event_notify(events, out ? LEASTCONN_EVENT_EJECTED : LEASTCONN_EVENT_BACK,
		     &row);
}

static void event_check_unready(struct events *events,
				struct lc_backends *backends)
{
	unsigned int left = min(backends->to_check,
				backends->n_unready[0] + backends->n_unready[1]);
	struct lc_backend *backend;
	unsigned int n;

	for (n = 0; n < LC_CHECKS && left && events->left > 0; n++, left--) {
		backend = list_first_entry(&backends->unready,
					   struct lc_backend, unready);
		list_move_tail(&backend->unready, &backends->unready);
		event_check_drained(events, backend);
	}
	WRITE_ONCE(backends->to_check, left);
}

static void event_check_capped(struct events *events, struct lc_pools *pools)
{
	unsigned int left = min(pools->to_check, pools->n_capped);
	struct lc_member *member;
	unsigned int n;

	for (n = 0; n < LC_CHECKS && left && events->left > 0; n++, left--) {
		member = list_first_entry(&pools->capped, struct lc_member,
					  capped);
		list_move_tail(&member->capped, &pools->capped);
		event_check_full(events, member);
		lc_member_watch_cap(member);
	}
	WRITE_ONCE(pools->to_check, left);
}

static void event_check_health(struct events *events, struct lc_pools *pools)
{
	struct lc_member *member;
	unsigned int n;

	for (n = 0; n < LC_CHECKS && !list_empty(&pools->to_notify) &&
	     events->left > 0; n++) {
		member = list_first_entry(&pools->to_notify, struct lc_member,
					  to_notify);
		list_del_init(&member->to_notify);
		event_check_member_health(events, member);
	}
}

/**
 * lc_event_check() - check loads and health, and notify listeners of transitions
 * @family: the control family
 * @ln: the namespace
 *
 * Checks are made without listeners, too: a later listener is not notified of earlier
 * transitions. One call makes a limited number of checks. lc_notify_is_pending() is
 * true if more are needed.
 *
 * Context: may sleep.
 * Return: nanoseconds that it took.
 */
u64 lc_event_check(const struct genl_family *family, struct lc_net *ln)
{
	struct events events = {
		.family	= family,
		.net	= ln->net,
		.left	= LC_SEND_CHECK,
	};
	struct lc_backends *backends = &ln->backends;
	struct lc_pools *pools = &ln->pools;
	u64 since;

	mutex_lock(&backends->lock);
	since = ktime_get_ns();
	if (READ_ONCE(pools->recheck)) {
		WRITE_ONCE(pools->recheck, false);
		WRITE_ONCE(backends->to_check,
			   backends->n_unready[0] + backends->n_unready[1]);
		WRITE_ONCE(pools->to_check, pools->n_capped);
	}
	event_check_unready(&events, backends);
	event_check_capped(&events, pools);
	event_check_health(&events, pools);
	event_send(&events);
	since = ktime_get_ns() - since;
	mutex_unlock(&backends->lock);
	return since;
}
