// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what is told to those who listen, and looking for what there is to tell.
 *
 * Any number of sockets can listen, each with a filter of its own, so that sending
 * can take as long as their owners like. Events are sent many at a time, in one
 * buffer. What sending takes is limited: in a command of a tenant's what is over
 * that is lost, which its listeners are told (ENOBUFS); looking goes on later. Where
 * memory is short, the rest is lost.
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

/* What sending may take; nanoseconds. */
#define LC_SEND_COMMAND	(100 * NSEC_PER_MSEC)
#define LC_SEND_CHECK	(10 * NSEC_PER_MSEC)
#define LC_CHECKS	1024U	/* of a kind, in one go */

/**
 * struct events - to be told to the listeners of a namespace
 * @family: the control family
 * @net: the namespace
 * @skb: what has not been sent yet, or NULL
 * @left: nanoseconds of a processor that sending may still take; none when memory is
 *	short
 * @charged: memory is charged to this process, whose command it is
 */
struct events {
	const struct genl_family	*family;
	struct net			*net;
	struct sk_buff			*skb;
	s64				left;
	bool				charged;
};

/* Nanoseconds of this process: time in which other processes run does not count. */
static u64 processor_time(void)
{
	return current->se.sum_exec_runtime;
}

/* Events can be lost: a charged process at its cgroup's limit reclaims once. */
static gfp_t event_gfp(const struct events *events)
{
	return events->charged ? lc_mem_gfp() | __GFP_NORETRY : GFP_KERNEL;
}

static void send(struct events *events)
{
	struct sk_buff *skb = events->skb;

	events->skb = NULL;
	if (skb)
		genlmsg_multicast_netns(events->family, events->net, skb, 0, 0,
					event_gfp(events));
}

/* Send no more, and report to the listeners that events are missing. */
static void lose_rest(struct events *events)
{
	nlmsg_free(events->skb);
	events->skb = NULL;
	events->left = -1;
	genl_set_err(events->family, events->net, 0, 0, -ENOBUFS);
}

static int put(struct events *events, u8 event, const struct lc_row *row)
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

static bool has_listeners(const struct events *events)
{
	return genl_has_listeners(events->family, events->net, 0);
}

static void tell(struct events *events, u8 event, const struct lc_row *row)
{
	u64 since;

	if (!has_listeners(events))
		return;
	if (events->skb && !put(events, event, row))
		return;
	since = processor_time();
	send(events);
	events->skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, event_gfp(events));
	events->left -= processor_time() - since;
	if (!events->skb || put(events, event, row))
		lose_rest(events);
}

/* Before it is applied: what goes is still there. */
static void event_of_step(struct events *events, const struct lc_step *step)
{
	struct lc_row row = {};

	if (step->event == LEASTCONN_EVENT_STATE)
		lc_row_backend(&row, step->backend);
	else if (step->member)
		lc_row_member(&row, step->member);
	else
		lc_row_pool(&row, step->pool);
	tell(events, step->event, &row);
}

/**
 * lc_events_of_changes() - tell what is going to change
 * @family: the control family
 * @net: the namespace
 * @changes: the changes, not applied yet
 *
 * Context: may sleep; the pools are locked.
 */
void lc_events_of_changes(const struct genl_family *family, struct net *net,
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

	if (!has_listeners(&events))
		return;
	list_for_each_entry(step, &changes->steps, list) {
		if (!step->event)
			continue;
		event_of_step(&events, step);
		if (events.left < 0 || fatal_signal_pending(current)) {
			lose_rest(&events);
			return;
		}
	}
	send(&events);
}

static void check_drained(struct events *events, struct lc_backend *backend)
{
	bool drained = backend->state != LEASTCONN_STATE_READY &&
		       atomic_read(&backend->active) <= 0;
	struct lc_row row = {};

	if (drained && !backend->notified_drained) {
		lc_row_backend(&row, backend);
		tell(events, LEASTCONN_EVENT_DRAINED, &row);
	}
	backend->notified_drained = drained;
}

static void check_full(struct events *events, struct lc_member *member)
{
	const u32 max_conns = member->terms.max_conns;
	int active = atomic_read(&member->backend->active);
	bool full = max_conns && active > 0 && active >= max_conns;
	struct lc_row row = {};

	if (full == member->notified_full)
		return;
	member->notified_full = full;
	lc_row_member(&row, member);
	tell(events, full ? LEASTCONN_EVENT_FULL : LEASTCONN_EVENT_NOT_FULL,
	     &row);
}

/* One that is on trial has been out, and is not back yet. */
static void check_member_health(struct events *events, struct lc_member *member)
{
	struct lc_health *health = &member->health;
	bool told = health->notified != LEASTCONN_HEALTH_IN;
	bool out = health->state != LEASTCONN_HEALTH_IN;
	struct lc_row row = {};

	if (out == told)
		return;
	health->notified = health->state;
	lc_row_member(&row, member);
	tell(events, out ? LEASTCONN_EVENT_EJECTED : LEASTCONN_EVENT_BACK,
	     &row);
}

static void check_unready(struct events *events, struct lc_backends *backends)
{
	unsigned int left = min(backends->to_check,
				backends->n_unready[0] + backends->n_unready[1]);
	struct lc_backend *backend;
	unsigned int n;

	for (n = 0; n < LC_CHECKS && left && events->left > 0; n++, left--) {
		backend = list_first_entry(&backends->unready,
					   struct lc_backend, unready);
		list_move_tail(&backend->unready, &backends->unready);
		check_drained(events, backend);
	}
	WRITE_ONCE(backends->to_check, left);
}

static void check_capped(struct events *events, struct lc_pools *pools)
{
	unsigned int left = min(pools->to_check, pools->n_capped);
	struct lc_member *member;
	unsigned int n;

	for (n = 0; n < LC_CHECKS && left && events->left > 0; n++, left--) {
		member = list_first_entry(&pools->capped, struct lc_member,
					  capped);
		list_move_tail(&member->capped, &pools->capped);
		check_full(events, member);
		lc_member_watch_cap(member);
	}
	WRITE_ONCE(pools->to_check, left);
}

static void check_health(struct events *events, struct lc_pools *pools)
{
	struct lc_member *member;
	unsigned int n;

	for (n = 0; n < LC_CHECKS && !list_empty(&pools->to_notify) &&
	     events->left > 0; n++) {
		member = list_first_entry(&pools->to_notify, struct lc_member,
					  health.to_notify);
		list_del_init(&member->health.to_notify);
		check_member_health(events, member);
	}
}

/**
 * lc_events_check() - see what has become of loads and health, and tell it
 * @family: the control family
 * @ln: the namespace
 *
 * Also when nobody listens, so that whoever listens later is told what happens
 * then, not what has happened before. Some are looked at in one go:
 * lc_notify_is_pending() says whether that was all.
 *
 * Context: may sleep.
 * Return: nanoseconds that it took.
 */
u64 lc_events_check(const struct genl_family *family, struct lc_net *ln)
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
	check_unready(&events, backends);
	check_capped(&events, pools);
	check_health(&events, pools);
	send(&events);
	since = ktime_get_ns() - since;
	mutex_unlock(&backends->lock);
	return since;
}
