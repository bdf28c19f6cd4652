// SPDX-License-Identifier: GPL-2.0-only
/*
 * The healer: ejects backends from pools, and lets them come back.
 *
 * The hooks and the garbage collector report connections that a backend has answered
 * or failed, see report.c. A work item judges in process context, under lc_backends.lock;
 * health.c decides.
 *
 * A run of the work visits backends that have been reported, rests and suspicions that have
 * ended, and pools with too many members out. It visits nothing else, and reschedules in
 * between. What runs take is charged to the namespace's user: see share.c.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/timerqueue.h>

#include "filter.h"
#include "healer.h"
#include "member.h"
#include "notify.h"
#include "share.h"

#define LC_NOTIFY_STEP	(HZ / 10)	/* between two parts of the notifications */
#define LC_TRIAL_TIME	(10 * HZ)	/* the longest time until a trial begins again */
#define LC_FIRST_TRIAL	(2 * HZ)	/* of that, for clients that have not failed */
#define LC_BATCH	256U		/* members, rests or pools without rescheduling */

static struct lc_member *out_member(struct timerqueue_node *node)
{
	return container_of(node, struct lc_member, due);
}

/* All members of a tier are out or suspect: bring back those that are out. */
static void panic_tier(struct lc_pool *pool, const struct lc_tier *tier)
{
	struct timerqueue_node *node, *next;
	struct lc_health_rules rules;
	struct lc_member *member;

	for (node = timerqueue_getnext(&pool->out); node; node = next) {
		next = timerqueue_iterate_next(node);
		member = out_member(node);
		if (member->health.tier != tier)
			continue;
		rules = lc_member_rules(member);
		lc_health_panic(&member->health, &rules, get_jiffies_64());
		lc_member_update(member);
		cond_resched();
	}
}

static void come_back(struct lc_member *member)
{
	member->manual = false;
	lc_health_come_back(&member->health, get_jiffies_64());
	lc_member_update(member);
}

static void judge_member(struct lc_member *member, unsigned int answered,
			 unsigned int failed)
{
	const struct lc_health_rules rules = lc_member_rules(member);
	struct lc_health *health = &member->health;
	const u8 was = health->state;
	u64 now = get_jiffies_64();
	bool panics;

	panics = lc_health_judge(health, &rules, answered, failed, now);
	if (health->state == LC_EJECTED && was != LC_EJECTED)
		member->reason = READ_ONCE(member->backend->reason);
	if (health->state != was)
		lc_member_update(member);
	if (panics)
		panic_tier(member->pool, health->tier);
}

static enum lc_suspicion member_suspicion(const struct lc_member *member)
{
	const struct lc_health_rules rules = lc_member_rules(member);
	const struct lc_health *health = &member->health;

	if (health->state != LC_HEALTHY || (health->tier && health->tier->panic))
		return LC_AWAITED;
	return lc_health_is_suspected(health, &rules, get_jiffies_64()) ?
	       LC_SUSPECTED : LC_NOT_SUSPECTED;
}

/* Connections have ended of which the schedulers do not know. */
static void update_schedulers(struct lc_backend *backend)
{
	struct lc_member *member;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		lc_sched_dest_update(&member->dest);
		cond_resched();
	}
}

/* A pool with the longest fail timeout has a shorter one by now, or has gone. */
static void shorten_fail_timeout(struct lc_backend *backend)
{
	const struct lc_member *member;
	u32 longest = 0;

	WRITE_ONCE(backend->shortened, false);
	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		longest = max(longest, member->fail_timeout);
		cond_resched();
	}
	WRITE_ONCE(backend->fail_timeout, longest);
}

/*
 * A backend whose connections fail has few. Until failures that count are enough to eject
 * it, it gets its share at most.
 *
 * Return: true if that has changed.
 */
static bool pace_backend(struct lc_backend *backend)
{
	bool paced = atomic_read(&backend->streak) >= LC_STREAK;
	struct lc_member *member;

	if (paced == backend->paced)
		return false;
	backend->paced = paced;
	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		if (member->watches)
			lc_member_update(member);
		cond_resched();
	}
	return true;
}

/* Judge a backend by what has been reported since it was judged last. */
static void judge_backend(struct lc_backends *backends,
			  struct lc_backend *backend)
{
	enum lc_suspicion suspicion = LC_NOT_SUSPECTED;
	unsigned int failed, answered;
	struct lc_member *member;
	bool changed;

	/* First: later reports queue the backend again. Pairs with queue_backend(). */
	atomic_xchg(&backend->queued, 0);
	if (atomic_xchg(&backend->outdated, 0))
		update_schedulers(backend);
	if (READ_ONCE(backend->shortened))
		shorten_fail_timeout(backend);
	answered = atomic_xchg(&backend->answered, 0);
	failed = atomic_xchg(&backend->failed, 0);
	changed = pace_backend(backend);
	if (!failed && !answered && !changed)
		return;
	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		cond_resched();
		if (!member->watches)
			continue;
		judge_member(member, answered, failed);
		suspicion = max(suspicion, member_suspicion(member));
	}
	if (backend->paced)
		suspicion = LC_AWAITED;
	lc_backend_suspect(backends, backend, suspicion);
}

/**
 * struct healer_run - a run of the work
 * @healer: the namespace's
 * @since: when the lock was taken, in nanoseconds
 * @took: nanoseconds for which the lock was held before that
 * @left: members, rests or pools until the lock is dropped
 */
struct healer_run {
	struct lc_healer	*healer;
	u64			since;
	u64			took;
	unsigned int		left;
};

static void healer_run_lock(struct healer_run *run)
{
	mutex_lock(&run->healer->pools->backends->lock);
	run->since = ktime_get_ns();
	run->left = LC_BATCH;
}

static void healer_run_unlock(struct healer_run *run)
{
	run->took += ktime_get_ns() - run->since;
	mutex_unlock(&run->healer->pools->backends->lock);
}

/* @cost: members, rests or pools that were looked at */
static void healer_run_resched(struct healer_run *run, unsigned int cost)
{
	run->left -= min(run->left, cost);
	if (run->left)
		return;
	healer_run_unlock(run);
	cond_resched();
	healer_run_lock(run);
}

static void judge_queue(struct healer_run *run)
{
	struct llist_node *queue = llist_del_all(&run->healer->queue);
	struct lc_backend *backend, *next;
	unsigned int cost;

	queue = llist_reverse_order(queue);
	llist_for_each_entry_safe(backend, next, queue, queue) {
		cost = 1 + backend->n_sched_dests;
		judge_backend(run->healer->pools->backends, backend);
		lc_backend_put(backend);
		healer_run_resched(run, cost);
	}
}

static void forget_failed(struct lc_backend *backend)
{
	spin_lock_bh(&backend->evidence_lock);
	lc_evidence_forget_failed(&backend->evidence);
	spin_unlock_bh(&backend->evidence_lock);
}

/*
 * One connection more than there are decides. If it does not, for example because its
 * client has gone, the trial begins again after a while. At first clients that have failed
 * before do not decide: see lc_pool_avoids(). If there are no others, they do then.
 */
static void start_trial(struct lc_member *member)
{
	u64 time = min_t(u64, LC_TRIAL_TIME,
			 (u64)member->pool->settings.fail_timeout * HZ);

	if (member->health.state == LC_EJECTED) {
		time = min_t(u64, time, LC_FIRST_TRIAL);
		lc_backend_forget_dropped(member->backend);
	} else {
		forget_failed(member->backend);
	}
	member->health.trial_cap = lc_member_counted(member) + 1;
	member->manual = false;
	/* No failure was judged if a command ejected it. */
	lc_backend_suspect(member->pool->pools->backends, member->backend,
			   LC_AWAITED);
	lc_health_end_rest(&member->health, get_jiffies_64() + time);
	lc_member_update(member);
}

/* Its failures since it was queued have moved the end of the suspicion. */
static void end_suspicion(struct lc_member *member)
{
	u64 now = get_jiffies_64();

	if (member->health.until > now)
		lc_member_update(member);
	else
		come_back(member);
}

static void end_first(struct lc_pool *pool)
{
	struct lc_member *member = lc_member_first_due(pool);

	if (!member->watches)
		come_back(member);
	else if (member->health.state == LC_SUSPECT)
		end_suspicion(member);
	else
		start_trial(member);
}

/* Return: jiffies until the next rest, trial or suspicion ends, or U64_MAX. */
static u64 end_rests(struct healer_run *run)
{
	struct lc_pools *pools = run->healer->pools;
	struct timerqueue_node *first;
	u64 now = get_jiffies_64();

	while ((first = timerqueue_getnext(&pools->due))) {
		if (first->expires > (ktime_t)now)
			return first->expires - now;
		end_first(container_of(first, struct lc_pool, due));
		healer_run_resched(run, 1);
	}
	return U64_MAX;
}

/* One on trial gets a connection at a time: it has to do more only if no other serves. */
static bool must_come_back(const struct lc_health *health)
{
	const struct lc_tier *tier = health->tier;

	return tier && lc_tier_is_short(tier) &&
	       (health->state == LC_EJECTED ||
		lc_tier_out(tier) == lc_tier_size(tier));
}

/*
 * Bring members back before their rest ends: those that would end it first come first.
 *
 * Return: false if there are more.
 */
static bool bring_back(struct lc_pool *pool)
{
	struct timerqueue_node *node = timerqueue_getnext(&pool->out), *next;
	unsigned int left = LC_BATCH;
	struct lc_member *member;

	for (; node && lc_pool_is_short(pool); node = next) {
		next = timerqueue_iterate_next(node);
		member = out_member(node);
		cond_resched();
		if (member->manual)
			continue;
		if (member->watches && !must_come_back(&member->health))
			continue;
		if (!left--)
			return false;
		come_back(member);
	}
	return true;
}

static void fill_short_pools(struct healer_run *run)
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
		healer_run_resched(run, 1);
	}
}

/* Return: jiffies until something is due, or U64_MAX. */
static u64 do_healer_work(struct lc_healer *healer, u64 *took)
{
	struct lc_pools *pools = healer->pools;
	struct healer_run run = { .healer = healer };
	u64 wait, since, dropped;

	healer_run_lock(&run);
	dropped = lc_filter_look(healer);
	judge_queue(&run);
	wait = min(dropped, end_rests(&run));
	fill_short_pools(&run);
	healer_run_unlock(&run);
	since = ktime_get_ns();
	wait = min_t(u64, wait, lc_clients_expire(healer->clients));
	*took = run.took + ktime_get_ns() - since;
	if (lc_notify_is_pending(pools))
		*took += lc_notify(pools);
	if (lc_notify_is_pending(pools))
		wait = min_t(u64, wait, list_empty(&pools->to_notify) ?
					LC_NOTIFY_STEP : 1);
	return wait;
}

static void healer_work(struct work_struct *work)
{
	struct lc_healer *healer = container_of(to_delayed_work(work),
						struct lc_healer, work);
	u64 wait, took;

	if (!lc_turn_begin(healer->share, &healer->turn))
		return;
	wait = do_healer_work(healer, &took);
	lc_share_charge(healer->share, took);
	/* No effect if lc_healer_check() has queued the work in the meantime. */
	if (wait != U64_MAX)
		queue_delayed_work(lc_wq, &healer->work,
				   min_t(u64, wait, MAX_JIFFY_OFFSET));
}

/**
 * lc_healer_revive() - forget everywhere what a backend has failed
 * @backend: the backend; its namespace's backends are locked
 *
 * An ejection or a trial ends. Its next rests are short again. Connections that began
 * before this do not eject it.
 *
 * Context: may sleep.
 */
void lc_healer_revive(struct lc_backend *backend)
{
	struct lc_member *member;

	WRITE_ONCE(backend->revived, (u32)jiffies);
	atomic_set(&backend->failed, 0);
	atomic_set(&backend->streak, 0);
	backend->paced = false;
	lc_backend_forget_dropped(backend);
	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		if (member->gone)
			continue;
		member->health.doublings = 0;
		come_back(member);
	}
}

/**
 * lc_healer_eject() - eject a backend everywhere, by command
 * @backend: the backend; its namespace's backends are locked
 * @seconds: for how long; 0: the fail timeout of each pool
 *
 * It rests like a member that has failed, but its next rests do not get longer by it. Until
 * then it counts in no tier, as a drained one, so no rule about tiers brings it back.
 *
 * Context: may sleep.
 */
void lc_healer_eject(struct lc_backend *backend, u32 seconds)
{
	u64 now = get_jiffies_64();
	struct lc_member *member;
	u32 rest;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		if (member->gone)
			continue;
		rest = seconds ?: member->pool->settings.fail_timeout;
		lc_health_force(&member->health, now, now + (u64)rest * HZ);
		member->reason = LEASTCONN_REASON_MANUAL;
		member->manual = true;
		lc_member_update(member);
	}
}

/**
 * lc_healer_changed() - a command has changed pools or backends
 * @healer: the namespace's
 *
 * Some transitions are reported before the return, the rest by the work.
 *
 * Context: may sleep.
 */
void lc_healer_changed(struct lc_healer *healer)
{
	WRITE_ONCE(healer->pools->recheck, true);
	lc_notify(healer->pools);
	if (lc_notify_is_pending(healer->pools))
		lc_healer_check(healer);
}

/**
 * lc_healer_loads_changed() - connections may have begun or ended
 * @healer: the namespace's
 *
 * Loads matter to notifications only where there are members with max_conns or
 * backends that are not ready.
 *
 * Context: process.
 */
void lc_healer_loads_changed(struct lc_healer *healer)
{
	struct lc_pools *pools = healer->pools;

	if (!READ_ONCE(pools->n_capped) &&
	    !READ_ONCE(pools->backends->n_unready[0]) &&
	    !READ_ONCE(pools->backends->n_unready[1]))
		return;
	WRITE_ONCE(pools->recheck, true);
	lc_healer_check(healer);
}

/**
 * lc_healer_init() - set up a namespace's healer
 * @healer: zeroed memory
 * @pools: the namespace's
 * @clients: the namespace's
 * @records: the namespace's
 * @share: the account of the namespace's user
 *
 * Context: any.
 */
void lc_healer_init(struct lc_healer *healer, struct lc_pools *pools,
		    struct lc_clients *clients, struct lc_records *records,
		    struct lc_share *share)
{
	healer->pools = pools;
	pools->backends->healer = healer;
	healer->clients = clients;
	healer->records = records;
	healer->share = share;
	init_llist_head(&healer->queue);
	lc_pendings_init(&healer->pendings);
	INIT_DELAYED_WORK(&healer->work, healer_work);
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
	lc_pendings_close(&healer->pendings);
}
