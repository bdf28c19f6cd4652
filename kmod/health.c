// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health: what pools learn from connections that fail.
 *
 * A backend that refuses at once never has many connections, so it would be
 * given all of them. Packets and the reaper say which backend failed or
 * answered; everything else is done here, in process context, under the lock of
 * all who change pools.
 *
 * A pool with max_fails ejects a member that has so many failed connections
 * within fail_timeout, without an answered one between. It rests for fail_timeout,
 * twice as long each time that it is ejected again before it has been in for as
 * long as it had rested, up to 2^LC_DOUBLINGS times. Then it gets one connection,
 * and what becomes of that decides. At most half of the ordinary members are out
 * at a time; those who would be, too, are suspects. When all are out or
 * suspects, nothing is known to be better than anything else: the pool is open,
 * all are in, and nobody is ejected until one answers.
 *
 * Slow start is here, too, since it needs the time: a member's share grows each
 * LC_STEP.
 */
#include <linux/jiffies.h>

#include "compat.h"
#include "health.h"
#include "net.h"

#define LC_STEP	(HZ / 10)
#define LC_AGE	(10 * HZ)	/* between looks for clients to be forgotten */

static unsigned long timeout_of(const struct lc_pool *pool)
{
	return (unsigned long)pool->settings.fail_timeout * HZ;
}

static void come_back(struct lc_member *member)
{
	struct lc_health *health = &member->health;

	health->is = LEASTCONN_HEALTH_IN;
	health->reason = LEASTCONN_REASON_NONE;
	health->fails = 0;
	health->suspect = false;
	health->back = jiffies;
	health->since = get_jiffies_64();
	lc_member_update(member);
}

static void eject(struct lc_member *member)
{
	struct lc_health *health = &member->health;

	if (health->is == LEASTCONN_HEALTH_IN &&
	    jiffies - health->back > health->rest)
		health->doublings = 0;
	health->rest = timeout_of(member->pool) << health->doublings;
	if (health->doublings < LC_DOUBLINGS)
		health->doublings++;
	health->until = jiffies + health->rest;
	health->is = LEASTCONN_HEALTH_EJECTED;
	health->reason = READ_ONCE(member->backend->reason);
	health->fails = 0;
	health->suspect = false;
	lc_member_update(member);
}

static bool is_ordinary(const struct lc_member *member)
{
	return !member->terms.backup && member->terms.weight &&
	       member->backend->state == LEASTCONN_STATE_READY;
}

/* None of the ordinary ones is known to be better than the others. */
static void open_up(struct lc_pool *pool)
{
	struct lc_member *member;

	pool->open = true;
	list_for_each_entry(member, &pool->seats, list) {
		if (!is_ordinary(member))
			continue;
		if (member->health.is != LEASTCONN_HEALTH_IN)
			come_back(member);
		member->health.suspect = true;
	}
}

/**
 * struct census - the ordinary members of a pool
 * @all: how many there are
 * @out: of them ejected, or on trial
 * @suspects: in, but would be out
 */
struct census {
	unsigned int all, out, suspects;
};

static struct census count(const struct lc_pool *pool)
{
	const struct lc_member *member;
	struct census census = {};

	list_for_each_entry(member, &pool->seats, list) {
		if (!is_ordinary(member))
			continue;
		census.all++;
		census.out += member->health.is != LEASTCONN_HEALTH_IN;
		census.suspects += member->health.suspect;
	}
	return census;
}

static void may_eject(struct lc_member *member)
{
	struct lc_pool *pool = member->pool;
	struct census census;

	if (!is_ordinary(member)) {
		eject(member);
		return;
	}
	member->health.suspect = true;
	census = count(pool);
	if (census.out + census.suspects < census.all) {
		pool->open = false;
		if (2 * (census.out + 1) <= census.all)
			eject(member);
	} else if (!pool->open) {
		open_up(pool);
	}
}

static void member_failed(struct lc_member *member, unsigned int times)
{
	struct lc_health *health = &member->health;

	if (health->is == LEASTCONN_HEALTH_TRIAL)
		eject(member);
	if (health->is != LEASTCONN_HEALTH_IN)
		return;
	if (jiffies - health->first > timeout_of(member->pool)) {
		health->fails = 0;
		health->suspect = false;
	}
	if (!health->fails)
		health->first = jiffies;
	health->fails += times;
	if (health->fails >= member->pool->settings.max_fails)
		may_eject(member);
}

static void member_answers(struct lc_member *member)
{
	struct lc_health *health = &member->health;

	member->pool->open = false;
	health->fails = 0;
	health->suspect = false;
	if (health->is == LEASTCONN_HEALTH_TRIAL)
		come_back(member);
}

static bool is_suspected(const struct lc_member *member)
{
	return member->health.fails || member->pool->open ||
	       member->health.is != LEASTCONN_HEALTH_IN;
}

/* What has been heard of it since the last time. */
static void judge(struct lc_backend *backend)
{
	unsigned int failed = atomic_xchg(&backend->failed, 0);
	bool answers = atomic_xchg(&backend->answered, 0);
	bool suspected = false;
	struct lc_member *member;

	if (!failed && !answers)
		return;
	hlist_for_each_entry(member, &backend->seats, seat.node) {
		if (!member->pool->settings.max_fails)
			continue;
		if (answers)
			member_answers(member);
		if (failed)
			member_failed(member, failed);
		suspected |= is_suspected(member);
	}
	WRITE_ONCE(backend->suspected, suspected);
}

static void sooner(unsigned long *wait, unsigned long other)
{
	*wait = min(*wait, other);
}

static void tend_member(struct lc_member *member, unsigned long *wait)
{
	struct lc_health *health = &member->health;

	if (health->is != LEASTCONN_HEALTH_IN &&
	    !member->pool->settings.max_fails)
		come_back(member);
	if (health->is == LEASTCONN_HEALTH_EJECTED) {
		if (time_before(jiffies, health->until)) {
			sooner(wait, health->until - jiffies);
		} else {
			health->is = LEASTCONN_HEALTH_TRIAL;
			lc_member_update(member);
		}
	}
	if (health->ramp)
		lc_member_update(member);
	if (health->ramp)
		sooner(wait, LC_STEP);
}

/* Whose rest is over first. */
static struct lc_member *next_back(const struct lc_pool *pool)
{
	struct lc_member *member, *next = NULL;

	list_for_each_entry(member, &pool->seats, list)
		if (is_ordinary(member) &&
		    member->health.is == LEASTCONN_HEALTH_EJECTED &&
		    (!next || time_before(member->health.until,
					  next->health.until)))
			next = member;
	return next;
}

/* There may be fewer ordinary members than when they were ejected. */
static void keep_half(struct lc_pool *pool)
{
	struct census census = count(pool);
	struct lc_member *member;

	for (; 2 * census.out > census.all; census.out--) {
		member = next_back(pool);
		if (!member)
			break;
		come_back(member);
	}
}

static void tend_pool(struct lc_pool *pool, unsigned long *wait)
{
	struct lc_member *member;

	list_for_each_entry(member, &pool->seats, list)
		tend_member(member, wait);
	if (pool->settings.max_fails)
		keep_half(pool);
}

static void tend(const struct list_head *pools, unsigned long *wait)
{
	struct lc_pool *pool;

	list_for_each_entry(pool, pools, list)
		tend_pool(pool, wait);
}

static void work(struct work_struct *work)
{
	struct lc_healer *healer = container_of(to_delayed_work(work),
						struct lc_healer, work);
	struct lc_net *ln = container_of(healer, struct lc_net, healer);
	unsigned long wait = MAX_JIFFY_OFFSET;
	struct lc_backend *backend;

	mutex_lock(&ln->backends.lock);
	list_for_each_entry(backend, &ln->backends.list, list)
		judge(backend);
	tend(&ln->pools.named, &wait);
	tend(&ln->pools.unnamed, &wait);
	mutex_unlock(&ln->backends.lock);
	if (lc_clients_age(&ln->clients))
		sooner(&wait, LC_AGE);
	lc_net_changed(ln);
	/* Unless somebody has queued it meanwhile, for at once. */
	if (wait != MAX_JIFFY_OFFSET)
		queue_delayed_work(lc_wq, &healer->work, wait);
}

/**
 * lc_health_check() - pools have changed: see what is due
 * @ln: the namespace
 *
 * Context: any; packets: under rcu_read_lock().
 */
void lc_health_check(struct lc_net *ln)
{
	if (!READ_ONCE(ln->healer.closed))
		mod_delayed_work(lc_wq, &ln->healer.work, 0);
}

/**
 * lc_health_failed() - a connection to a backend has failed
 * @ln: the namespace
 * @backend: the backend
 * @reason: &enum leastconn_reason
 *
 * Context: any, under rcu_read_lock().
 */
void lc_health_failed(struct lc_net *ln, struct lc_backend *backend, u8 reason)
{
	atomic_inc(&backend->fails);
	if (!READ_ONCE(backend->watched))
		return;
	WRITE_ONCE(backend->reason, reason);
	/* Who counts it is to see why: pairs with judge()'s atomic_xchg(). */
	smp_mb__before_atomic();
	atomic_inc(&backend->failed);
	lc_health_check(ln);
}

/**
 * lc_health_answers() - a backend has answered a connection
 * @ln: the namespace
 * @backend: the backend
 *
 * Context: any, under rcu_read_lock().
 */
void lc_health_answers(struct lc_net *ln, struct lc_backend *backend)
{
	if (!READ_ONCE(backend->suspected))
		return;
	atomic_set(&backend->answered, 1);
	lc_health_check(ln);
}

/**
 * lc_healer_init() - make a namespace's healer ready
 * @healer: zeroed memory
 *
 * Context: any.
 */
void lc_healer_init(struct lc_healer *healer)
{
	INIT_DELAYED_WORK(&healer->work, work);
}

/**
 * lc_healer_close() - the namespace goes: no more work
 * @healer: its healer
 *
 * A packet may give it some until the next RCU grace period has ended.
 *
 * Context: any.
 */
void lc_healer_close(struct lc_healer *healer)
{
	WRITE_ONCE(healer->closed, true);
}

/**
 * lc_healer_exit() - the namespace goes
 * @healer: its healer, closed before the last grace period
 *
 * Context: may sleep.
 */
void lc_healer_exit(struct lc_healer *healer)
{
	cancel_delayed_work_sync(&healer->work);
}
