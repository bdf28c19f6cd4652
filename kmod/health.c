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
 * A run of this work visits what there is news of, what is due and pools that have
 * become too small for those who are out, nothing else, and gives way in between.
 * What runs take is paid for: see share.c.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/timerqueue.h>

#include "compat.h"
#include "health.h"
#include "net.h"
#include "share.h"

#define LC_STEP		(HZ / 10)	/* between looks at parts of what may have changed */
#define LC_AGE		(10 * HZ)	/* between looks for clients to be forgotten */
#define LC_BATCH	256U		/* without giving way */

static u64 timeout_of(const struct lc_pool *pool)
{
	return (u64)pool->settings.fail_timeout * HZ;
}

static void set_suspect(struct lc_member *member, bool suspect)
{
	if (member->health.suspect == suspect)
		return;
	member->health.suspect = suspect;
	lc_member_recount(member);
}

static void come_back(struct lc_member *member)
{
	struct lc_health *health = &member->health;

	health->is = LEASTCONN_HEALTH_IN;
	health->reason = LEASTCONN_REASON_NONE;
	health->fails = 0;
	health->suspect = false;
	health->back = get_jiffies_64();
	health->since = health->back;
	lc_member_update(member);
}

static void eject(struct lc_member *member)
{
	struct lc_health *health = &member->health;
	u64 now = get_jiffies_64();

	if (health->is == LEASTCONN_HEALTH_IN &&
	    now - health->back > health->rest)
		health->doublings = 0;
	health->rest = timeout_of(member->pool) << health->doublings;
	if (health->doublings < LC_DOUBLINGS)
		health->doublings++;
	health->until = now + health->rest;
	health->is = LEASTCONN_HEALTH_EJECTED;
	health->reason = READ_ONCE(member->backend->reason);
	health->fails = 0;
	health->suspect = false;
	lc_member_update(member);
}

static struct lc_member *member_out(struct timerqueue_node *node)
{
	return container_of(node, struct lc_member, health.out);
}

/*
 * None of the ordinary ones is known to be better than the others: those that are
 * in are suspects already.
 */
static void open_up(struct lc_pool *pool)
{
	struct timerqueue_node *node, *next;
	struct lc_member *member;

	pool->open = true;
	for (node = timerqueue_getnext(&pool->out); node; node = next) {
		next = timerqueue_iterate_next(node);
		member = member_out(node);
		if (!lc_member_is_ordinary(member))
			continue;
		come_back(member);
		set_suspect(member, true);
		cond_resched();
	}
}

static void may_eject(struct lc_member *member)
{
	struct lc_pool *pool = member->pool;
	const struct lc_census *census = &pool->census;

	if (!lc_member_is_ordinary(member)) {
		eject(member);
		return;
	}
	set_suspect(member, true);
	if (census->out + census->suspects < census->all) {
		pool->open = false;
		if (2 * (census->out + 1) <= census->all)
			eject(member);
	} else if (!pool->open) {
		open_up(pool);
	}
}

static void member_failed(struct lc_member *member, unsigned int times)
{
	struct lc_health *health = &member->health;
	u64 now = get_jiffies_64();

	if (health->is == LEASTCONN_HEALTH_TRIAL)
		eject(member);
	if (health->is != LEASTCONN_HEALTH_IN)
		return;
	if (now - health->first > timeout_of(member->pool)) {
		health->fails = 0;
		set_suspect(member, false);
	}
	if (!health->fails)
		health->first = now;
	health->fails += times;
	if (health->fails >= member->pool->settings.max_fails)
		may_eject(member);
}

static void member_answers(struct lc_member *member)
{
	struct lc_health *health = &member->health;

	member->pool->open = false;
	health->fails = 0;
	set_suspect(member, false);
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
	bool suspected = false, answers;
	struct lc_member *member;
	unsigned int failed;

	/* First: what comes now is news again. Pairs with hear_of(). */
	atomic_xchg(&backend->heard, 0);
	failed = atomic_xchg(&backend->failed, 0);
	answers = atomic_xchg(&backend->answered, 0);
	if (!failed && !answers)
		return;
	hlist_for_each_entry(member, &backend->seats, seat.node) {
		cond_resched();
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

/**
 * struct run - a run of the work
 * @ln: the namespace
 * @since: nanoseconds of the clock, when its lock was taken
 * @took: nanoseconds, before that
 * @left: what may be done without giving way
 */
struct run {
	struct lc_net	*ln;
	u64		since;
	u64		took;
	unsigned int	left;
};

static void run_lock(struct run *run)
{
	mutex_lock(&run->ln->backends.lock);
	run->since = ktime_get_ns();
	run->left = LC_BATCH;
}

static void run_unlock(struct run *run)
{
	run->took += ktime_get_ns() - run->since;
	mutex_unlock(&run->ln->backends.lock);
}

static void run_resched(struct run *run)
{
	if (--run->left)
		return;
	run_unlock(run);
	cond_resched();
	run_lock(run);
}

static void judge_news(struct run *run)
{
	struct llist_node *news = llist_del_all(&run->ln->healer.news);
	struct lc_backend *backend, *next;

	news = llist_reverse_order(news);
	llist_for_each_entry_safe(backend, next, news, news) {
		judge(backend);
		lc_backend_put(backend);
		run_resched(run);
	}
}

static void end_rest(struct lc_pool *pool)
{
	struct lc_member *member = member_out(timerqueue_getnext(&pool->out));

	if (!pool->settings.max_fails) {
		come_back(member);
		return;
	}
	member->health.is = LEASTCONN_HEALTH_TRIAL;
	lc_member_update(member);
}

/* Return: jiffies until the next one is due, or U64_MAX. */
static u64 end_rests(struct run *run)
{
	struct lc_pools *pools = &run->ln->pools;
	struct timerqueue_node *first;
	u64 now = get_jiffies_64();

	while ((first = timerqueue_getnext(&pools->rests))) {
		if (first->expires > (ktime_t)now)
			return first->expires - now;
		end_rest(container_of(first, struct lc_pool, rest));
		run_resched(run);
	}
	return U64_MAX;
}

/* Those whose rest is over first. Return: whether that was all. */
static bool bring_back(struct lc_pool *pool)
{
	struct timerqueue_node *node = timerqueue_getnext(&pool->out), *next;
	unsigned int most = LC_BATCH;
	struct lc_member *member;

	for (; node && lc_pool_is_short(pool); node = next) {
		next = timerqueue_iterate_next(node);
		member = member_out(node);
		cond_resched();
		if (pool->settings.max_fails &&
		    (!lc_member_is_ordinary(member) ||
		     member->health.is != LEASTCONN_HEALTH_EJECTED))
			continue;
		if (!most--)
			return false;
		come_back(member);
	}
	return true;
}

static void visit_pools(struct run *run)
{
	struct lc_pools *pools = &run->ln->pools;
	struct lc_pool *pool;

	while (!list_empty(&pools->visits)) {
		pool = list_first_entry(&pools->visits, struct lc_pool, visit);
		if (bring_back(pool))
			list_del_init(&pool->visit);
		else
			run->left = 1;
		run_resched(run);
	}
}

static void sooner(u64 *wait, u64 other)
{
	*wait = min(*wait, other);
}

/* Return: jiffies until something is due, or U64_MAX. */
static u64 heal(struct lc_net *ln, u64 *took)
{
	struct run run = { .ln = ln };
	u64 wait, since;

	run_lock(&run);
	judge_news(&run);
	wait = end_rests(&run);
	visit_pools(&run);
	run_unlock(&run);
	since = ktime_get_ns();
	if (lc_clients_age(&ln->clients))
		sooner(&wait, LC_AGE);
	*took = run.took + ktime_get_ns() - since;
	if (lc_net_looks_left(ln))
		*took += lc_net_look(ln);
	if (lc_net_looks_left(ln))
		sooner(&wait, list_empty(&ln->pools.untold) ? LC_STEP : 1);
	return wait;
}

static void work(struct work_struct *work)
{
	struct lc_healer *healer = container_of(to_delayed_work(work),
						struct lc_healer, work);
	struct lc_net *ln = container_of(healer, struct lc_net, healer);
	u64 wait, took;

	if (!lc_turn_begin(ln->share, &healer->turn))
		return;
	wait = heal(ln, &took);
	lc_share_pay(ln->share, took);
	/* Unless it has been queued meanwhile, for at once. */
	if (wait != U64_MAX)
		queue_delayed_work(lc_wq, &healer->work,
				   min_t(u64, wait, MAX_JIFFY_OFFSET));
}

/**
 * lc_health_check() - pools have changed: see what is due
 * @ln: the namespace
 *
 * Context: any; packets: under rcu_read_lock().
 */
void lc_health_check(struct lc_net *ln)
{
	struct lc_healer *healer = &ln->healer;

	if (lc_turn_is_idle(&healer->turn))
		mod_delayed_work(lc_wq, &healer->work, 0);
}

static void hear_of(struct lc_net *ln, struct lc_backend *backend)
{
	/* After what there is to hear: pairs with judge(). */
	if (atomic_xchg(&backend->heard, 1) || !lc_backend_get(backend))
		return;
	llist_add(&backend->news, &ln->healer.news);
	lc_health_check(ln);
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
	hear_of(ln, backend);
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
	hear_of(ln, backend);
}

/**
 * lc_healer_init() - make a namespace's healer ready
 * @healer: zeroed memory
 *
 * Context: any.
 */
void lc_healer_init(struct lc_healer *healer)
{
	init_llist_head(&healer->news);
	INIT_DELAYED_WORK(&healer->work, work);
	lc_turn_init(&healer->turn, &healer->work);
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
	lc_turn_close(container_of(healer, struct lc_net, healer)->share,
		      &healer->turn);
}

/**
 * lc_healer_exit() - the namespace goes
 * @healer: its healer, closed before the last grace period
 *
 * Context: may sleep.
 */
void lc_healer_exit(struct lc_healer *healer)
{
	struct lc_backend *backend, *next;
	struct llist_node *news;

	cancel_delayed_work_sync(&healer->work);
	news = llist_del_all(&healer->news);
	llist_for_each_entry_safe(backend, next, news, news)
		lc_backend_put(backend);
}
