// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health: pools eject backends that fail connections.
 *
 * A backend that refuses connections at once never has many, so least connections
 * would give it all new ones. The hooks and the garbage collector report which backend
 * failed or answered a connection. Everything else is done here, in process context,
 * under lc_backends.lock.
 *
 * A pool with max_fails ejects a member after that many failed connections within
 * fail_timeout, with no answered one between them. The member rests for fail_timeout.
 * The rest doubles each time the member is ejected again before it has been back for
 * as long as its last rest, up to 2^LC_DOUBLINGS times. After the rest it is on trial:
 * it gets one connection, and the result of that decides. At most half of a tier (the
 * ordinary members, or the backups) is out, that is ejected or on trial, at a time; a
 * member that would be ejected otherwise is suspect. When all members of a tier are out
 * or suspect, the tier panics: all of them are in, and none is ejected until one answers.
 *
 * A run of the work visits backends that have been queued, rests that have ended, and
 * pools with too many members out. It visits nothing else, and reschedules in between.
 * What runs take is charged to the namespace's user: see share.c.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/timerqueue.h>

#include "health.h"
#include "member.h"
#include "notify.h"
#include "share.h"

#define LC_NOTIFY_STEP	(HZ / 10)	/* between two parts of the notifications */
#define LC_EXPIRE	(10 * HZ)	/* between two searches for expired clients */
#define LC_TRIAL	(10 * HZ)	/* the longest time until a trial begins again */
#define LC_BATCH	256U		/* backends, rests or pools without rescheduling */

static u64 fail_timeout(const struct lc_pool *pool)
{
	return (u64)pool->settings.fail_timeout * HZ;
}

static void set_suspect(struct lc_member *member, bool suspect)
{
	if (member->health.suspect == suspect)
		return;
	member->health.suspect = suspect;
	lc_member_count_tier(member);
}

static void come_back(struct lc_member *member)
{
	struct lc_health *health = &member->health;

	health->state = LEASTCONN_HEALTH_IN;
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

	if (health->state == LEASTCONN_HEALTH_IN &&
	    now - health->back > health->rest)
		health->doublings = 0;
	health->rest = fail_timeout(member->pool) << health->doublings;
	if (health->doublings < LC_DOUBLINGS)
		health->doublings++;
	health->until = now + health->rest;
	health->state = LEASTCONN_HEALTH_EJECTED;
	health->reason = READ_ONCE(member->backend->reason);
	health->fails = 0;
	health->suspect = false;
	lc_member_update(member);
}

static struct lc_member *out_member(struct timerqueue_node *node)
{
	return container_of(node, struct lc_member, health.out);
}

/* Return: the tier that a member serves in, or NULL. */
static struct lc_tier_stats *member_tier(const struct lc_member *member)
{
	enum lc_tier tier = lc_member_tier(member);

	return tier == LC_TIER_NONE ? NULL : &member->pool->tiers[tier];
}

/* All members of a tier are out or suspect: bring back those that are out. */
static void start_panic(struct lc_pool *pool, struct lc_tier_stats *tier)
{
	struct timerqueue_node *node, *next;
	struct lc_member *member;

	tier->panic = true;
	for (node = timerqueue_getnext(&pool->out); node; node = next) {
		next = timerqueue_iterate_next(node);
		member = out_member(node);
		if (member_tier(member) != tier)
			continue;
		come_back(member);
		set_suspect(member, true);
		cond_resched();
	}
}

static void eject_or_suspect(struct lc_member *member)
{
	struct lc_tier_stats *tier = member_tier(member);

	if (!tier) {
		eject(member);
		return;
	}
	set_suspect(member, true);
	if (tier->out + tier->suspects < tier->all) {
		tier->panic = false;
		if (2 * (tier->out + 1) <= tier->all)
			eject(member);
	} else if (!tier->panic) {
		start_panic(member->pool, tier);
	}
}

static void member_failed(struct lc_member *member, unsigned int times)
{
	struct lc_health *health = &member->health;
	u64 now = get_jiffies_64();

	if (health->state == LEASTCONN_HEALTH_TRIAL)
		eject(member);
	if (health->state != LEASTCONN_HEALTH_IN)
		return;
	if (now - health->first > fail_timeout(member->pool)) {
		health->fails = 0;
		set_suspect(member, false);
	}
	if (!health->fails)
		health->first = now;
	health->fails += times;
	if (health->fails >= member->pool->settings.max_fails)
		eject_or_suspect(member);
}

static void member_answered(struct lc_member *member)
{
	struct lc_tier_stats *tier = member_tier(member);
	struct lc_health *health = &member->health;

	if (tier)
		tier->panic = false;
	health->fails = 0;
	set_suspect(member, false);
	if (health->state == LEASTCONN_HEALTH_TRIAL)
		come_back(member);
}

static bool is_suspected(const struct lc_member *member)
{
	const struct lc_tier_stats *tier = member_tier(member);

	return member->health.fails || (tier && tier->panic) ||
	       member->health.state != LEASTCONN_HEALTH_IN;
}

/* Judge a backend by what has been reported since it was judged last. */
static void judge_backend(struct lc_backend *backend)
{
	bool suspected = false, answered;
	struct lc_member *member;
	unsigned int failed;

	/* First: later reports queue the backend again. Pairs with queue_backend(). */
	atomic_xchg(&backend->queued, 0);
	failed = atomic_xchg(&backend->failed, 0);
	answered = atomic_xchg(&backend->answered, 0);
	if (!failed && !answered)
		return;
	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		cond_resched();
		if (!member->pool->settings.max_fails)
			continue;
		if (answered)
			member_answered(member);
		if (failed)
			member_failed(member, failed);
		suspected |= is_suspected(member);
	}
	WRITE_ONCE(backend->suspected, suspected);
}

/**
 * struct health_run - a run of the work
 * @healer: the namespace's
 * @since: when the lock was taken, in nanoseconds
 * @took: nanoseconds for which the lock was held before that
 * @left: backends, rests or pools until the lock is dropped
 */
struct health_run {
	struct lc_healer	*healer;
	u64			since;
	u64			took;
	unsigned int		left;
};

static void health_run_lock(struct health_run *run)
{
	mutex_lock(&run->healer->pools->backends->lock);
	run->since = ktime_get_ns();
	run->left = LC_BATCH;
}

static void health_run_unlock(struct health_run *run)
{
	run->took += ktime_get_ns() - run->since;
	mutex_unlock(&run->healer->pools->backends->lock);
}

static void health_run_resched(struct health_run *run)
{
	if (--run->left)
		return;
	health_run_unlock(run);
	cond_resched();
	health_run_lock(run);
}

static void judge_queue(struct health_run *run)
{
	struct llist_node *queue = llist_del_all(&run->healer->queue);
	struct lc_backend *backend, *next;

	queue = llist_reverse_order(queue);
	llist_for_each_entry_safe(backend, next, queue, queue) {
		judge_backend(backend);
		lc_backend_put(backend);
		health_run_resched(run);
	}
}

/*
 * One connection more than there are decides. If it does not, for example because its
 * client has gone, the trial begins again after a while.
 */
static void start_trial(struct lc_member *member)
{
	struct lc_health *health = &member->health;
	int active = atomic_read(&member->backend->active);

	health->state = LEASTCONN_HEALTH_TRIAL;
	health->trial_cap = active > 0 ? active + 1 : 1;
	health->until = get_jiffies_64() +
			min_t(u64, fail_timeout(member->pool), LC_TRIAL);
	lc_member_update(member);
}

static void end_rest(struct lc_pool *pool)
{
	struct lc_member *member = out_member(timerqueue_getnext(&pool->out));

	if (!pool->settings.max_fails) {
		come_back(member);
		return;
	}
	start_trial(member);
}

/* Return: jiffies until the next rest ends, or U64_MAX. */
static u64 end_rests(struct health_run *run)
{
	struct lc_pools *pools = run->healer->pools;
	struct timerqueue_node *first;
	u64 now = get_jiffies_64();

	while ((first = timerqueue_getnext(&pools->rests))) {
		if (first->expires > (ktime_t)now)
			return first->expires - now;
		end_rest(container_of(first, struct lc_pool, rest));
		health_run_resched(run);
	}
	return U64_MAX;
}

/*
 * Bring members back before their rest ends: those that would end it first come first.
 *
 * Return: false if there are more.
 */
static bool bring_back(struct lc_pool *pool)
{
	struct timerqueue_node *node = timerqueue_getnext(&pool->out), *next;
	const struct lc_tier_stats *tier;
	unsigned int left = LC_BATCH;
	struct lc_member *member;

	for (; node && lc_pool_is_short(pool); node = next) {
		next = timerqueue_iterate_next(node);
		member = out_member(node);
		tier = member_tier(member);
		cond_resched();
		if (pool->settings.max_fails &&
		    (!tier || !lc_tier_is_short(tier) ||
		     member->health.state != LEASTCONN_HEALTH_EJECTED))
			continue;
		if (!left--)
			return false;
		come_back(member);
	}
	return true;
}

static void fill_short_pools(struct health_run *run)
{
	struct lc_pools *pools = run->healer->pools;
	struct lc_pool *pool;

	while (!list_empty(&pools->short_pools)) {
		pool = list_first_entry(&pools->short_pools, struct lc_pool,
					short_pools);
		if (bring_back(pool))
			list_del_init(&pool->short_pools);
		else
			run->left = 1;
		health_run_resched(run);
	}
}

/* Return: jiffies until something is due, or U64_MAX. */
static u64 do_health_work(struct lc_healer *healer, u64 *took)
{
	struct lc_pools *pools = healer->pools;
	struct health_run run = { .healer = healer };
	u64 wait, since;

	health_run_lock(&run);
	judge_queue(&run);
	wait = end_rests(&run);
	fill_short_pools(&run);
	health_run_unlock(&run);
	since = ktime_get_ns();
	if (lc_clients_expire(healer->clients))
		wait = min_t(u64, wait, LC_EXPIRE);
	*took = run.took + ktime_get_ns() - since;
	if (lc_notify_is_pending(pools))
		*took += lc_notify(pools);
	if (lc_notify_is_pending(pools))
		wait = min_t(u64, wait, list_empty(&pools->to_notify) ?
					LC_NOTIFY_STEP : 1);
	return wait;
}

static void health_work(struct work_struct *work)
{
	struct lc_healer *healer = container_of(to_delayed_work(work),
						struct lc_healer, work);
	u64 wait, took;

	if (!lc_turn_begin(healer->share, &healer->turn))
		return;
	wait = do_health_work(healer, &took);
	lc_share_charge(healer->share, took);
	/* No effect if lc_health_check() has queued the work in the meantime. */
	if (wait != U64_MAX)
		queue_delayed_work(lc_wq, &healer->work,
				   min_t(u64, wait, MAX_JIFFY_OFFSET));
}

/**
 * lc_health_revive() - end the ejection or trial of a backend everywhere
 * @backend: the backend; its namespace's backends are locked
 *
 * Its next rests are short again.
 *
 * Context: may sleep.
 */
void lc_health_revive(struct lc_backend *backend)
{
	struct lc_member *member;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		if (member->gone || member->health.state == LEASTCONN_HEALTH_IN)
			continue;
		member->health.doublings = 0;
		come_back(member);
	}
}

/**
 * lc_health_check() - run the work soon: pools have changed
 * @healer: the namespace's
 *
 * Context: any; packets: under rcu_read_lock().
 */
void lc_health_check(struct lc_healer *healer)
{
	if (lc_turn_is_idle(&healer->turn))
		mod_delayed_work(lc_wq, &healer->work, 0);
}

/**
 * lc_health_changed() - a command has changed pools or backends
 * @healer: the namespace's
 *
 * Some transitions are reported before the return, the rest by the work.
 *
 * Context: may sleep.
 */
void lc_health_changed(struct lc_healer *healer)
{
	WRITE_ONCE(healer->pools->recheck, true);
	lc_notify(healer->pools);
	if (lc_notify_is_pending(healer->pools))
		lc_health_check(healer);
}

/**
 * lc_health_loads_changed() - connections may have begun or ended
 * @healer: the namespace's
 *
 * Loads matter to notifications only where there are members with max_conns or
 * backends that are not ready.
 *
 * Context: process.
 */
void lc_health_loads_changed(struct lc_healer *healer)
{
	struct lc_pools *pools = healer->pools;

	if (!READ_ONCE(pools->n_capped) &&
	    !READ_ONCE(pools->backends->n_unready[0]) &&
	    !READ_ONCE(pools->backends->n_unready[1]))
		return;
	WRITE_ONCE(pools->recheck, true);
	lc_health_check(healer);
}

static void queue_backend(struct lc_healer *healer, struct lc_backend *backend)
{
	/* After the report has been stored: pairs with judge_backend(). */
	if (atomic_xchg(&backend->queued, 1) || !lc_backend_get(backend))
		return;
	llist_add(&backend->queue, &healer->queue);
	lc_health_check(healer);
}

/**
 * lc_health_failed() - a connection to a backend has failed
 * @healer: the namespace's
 * @backend: the backend
 * @reason: &enum leastconn_reason
 *
 * Context: any, under rcu_read_lock().
 */
void lc_health_failed(struct lc_healer *healer, struct lc_backend *backend,
		      u8 reason)
{
	atomic_inc(&backend->fails);
	if (!READ_ONCE(backend->n_watching))
		return;
	WRITE_ONCE(backend->reason, reason);
	/* The reason before the count: pairs with judge_backend()'s atomic_xchg(). */
	smp_mb__before_atomic();
	atomic_inc(&backend->failed);
	queue_backend(healer, backend);
}

/**
 * lc_health_answered() - a backend has answered a connection
 * @healer: the namespace's
 * @backend: the backend
 *
 * Context: any, under rcu_read_lock().
 */
void lc_health_answered(struct lc_healer *healer, struct lc_backend *backend)
{
	if (!READ_ONCE(backend->suspected))
		return;
	atomic_set(&backend->answered, 1);
	queue_backend(healer, backend);
}

/**
 * lc_healer_init() - set up a namespace's healer
 * @healer: zeroed memory
 * @pools: the namespace's
 * @clients: the namespace's
 * @share: the account of the namespace's user
 *
 * Context: any.
 */
void lc_healer_init(struct lc_healer *healer, struct lc_pools *pools,
		    struct lc_clients *clients, struct lc_share *share)
{
	healer->pools = pools;
	healer->clients = clients;
	healer->share = share;
	init_llist_head(&healer->queue);
	INIT_DELAYED_WORK(&healer->work, health_work);
	lc_turn_init(&healer->turn, &healer->work);
}

/**
 * lc_healer_close() - the namespace ends: stop the work
 * @healer: the namespace's
 *
 * A packet may queue the work until the next RCU grace period has ended.
 *
 * Context: any.
 */
void lc_healer_close(struct lc_healer *healer)
{
	lc_turn_close(healer->share, &healer->turn);
}

/**
 * lc_healer_exit() - the namespace ends
 * @healer: the namespace's; closed before the last grace period
 *
 * Context: may sleep.
 */
void lc_healer_exit(struct lc_healer *healer)
{
	struct lc_backend *backend, *next;
	struct llist_node *queue;

	cancel_delayed_work_sync(&healer->work);
	queue = llist_del_all(&healer->queue);
	llist_for_each_entry_safe(backend, next, queue, queue)
		lc_backend_put(backend);
}
