// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members: backends in pools.
 *
 * What a pool wants of a backend is kept twice: in the member, under lc_backends.lock,
 * and in its dest, from which packets choose. So a change can be undone until
 * lc_member_update() has passed it on.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "addr.h"
#include "mem.h"
#include "member.h"

#define LC_COMPARE_MAX	64U	/* members that are compared to find one to copy */

/**
 * lc_kind_index() - the index of a protocol in struct lc_kinds
 * @proto: layer-4 protocol
 *
 * Context: any.
 * Return: the index; 0: without a port.
 */
unsigned int lc_kind_index(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 1;
	case IPPROTO_UDP:
		return 2;
	case IPPROTO_SCTP:
		return 3;
	case IPPROTO_DCCP:
		return 4;
	case IPPROTO_UDPLITE:
		return 5;
	default:
		return 0;
	}
}

/**
 * lc_kind() - the count of a kind
 * @kinds: the counts
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @proto: layer-4 protocol, or 0
 *
 * Context: any.
 * Return: the count.
 */
unsigned int *lc_kind(struct lc_kinds *kinds, u8 family, u8 proto)
{
	return &kinds->of[lc_family_index(family)][lc_kind_index(proto)];
}

static void member_count(const struct lc_member *member, int more)
{
	const struct lc_backend_key *key = &member->backend->key;
	struct lc_pool *pool = member->pool;
	struct lc_pools *pools = pool->pools;

	*lc_kind(&pool->member_kinds, key->family, key->proto) += more;
	pool->n_live += more;
	pools->total += more;
	if (pool->name[0])
		pools->n_members[lc_family_index(key->family)] += more;
}

/**
 * lc_member_hide() - hide a member from changes, or undo that
 * @member: the member; its pool is locked. Packets can choose it as before
 * @gone: true to hide it
 */
void lc_member_hide(struct lc_member *member, bool gone)
{
	if (member->gone == gone)
		return;
	member->gone = gone;
	member_count(member, gone ? -1 : 1);
}

/**
 * lc_member_add() - add a backend to a pool
 * @pool: the pool; locked
 * @key: the backend
 * @terms: what the pool wants of it
 *
 * Packets can choose it after lc_member_update().
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the member, or ERR_PTR(): -ENOSPC if the namespace has %LC_MAX_TOTAL.
 */
struct lc_member *lc_member_add(struct lc_pool *pool,
				const struct lc_backend_key *key,
				const struct lc_terms *terms)
{
	struct lc_pools *pools = pool->pools;
	struct lc_backend *backend;
	struct lc_member *member;
	int err;

	/* A larger one would take 512 bytes. */
	BUILD_BUG_ON(sizeof(*member) > 256);

	if (pools->total >= LC_MAX_TOTAL)
		return ERR_PTR(-ENOSPC);
	member = kzalloc(sizeof(*member), lc_mem_gfp());
	if (!member)
		return ERR_PTR(-ENOMEM);
	err = lc_sched_reserve(&pool->sched);
	if (err)
		goto free_member;
	backend = lc_backend_user_get(pools->backends, key);
	if (IS_ERR(backend)) {
		err = PTR_ERR(backend);
		goto free_member;
	}
	lc_mem_count_alloc();
	member->pool = pool;
	member->backend = backend;
	member->terms = *terms;
	timerqueue_init(&member->due);
	INIT_LIST_HEAD(&member->to_notify);
	INIT_LIST_HEAD(&member->capped);
	lc_sched_dest_add(&member->dest, &pool->sched, &backend->conns);
	hlist_add_head_rcu(&member->dest.node, &backend->sched_dests);
	backend->n_sched_dests++;
	list_add_tail(&member->list, &pool->members);
	pool->n_members++;
	member_count(member, 1);
	return member;

free_member:
	kfree(member);
	return ERR_PTR(err);
}

/* To find the longest one takes time: the healer does it when it matters. */
static void set_fail_timeout(struct lc_member *member, u32 fail_timeout)
{
	struct lc_backend *backend = member->backend;
	u32 was = member->fail_timeout;

	if (fail_timeout == was)
		return;
	member->fail_timeout = fail_timeout;
	if (fail_timeout > backend->fail_timeout)
		WRITE_ONCE(backend->fail_timeout, fail_timeout);
	else if (was == backend->fail_timeout)
		WRITE_ONCE(backend->shortened, true);
}

static void set_watching(struct lc_member *member, bool watches)
{
	struct lc_backend *backend = member->backend;
	bool begins = watches && !member->watches;
	enum lc_suspicion suspicion;

	WRITE_ONCE(backend->n_watching,
		   backend->n_watching + watches - member->watches);
	member->watches = watches;
	set_fail_timeout(member,
			 watches ? member->pool->settings.fail_timeout * HZ : 0);
	if (!backend->n_watching) {
		suspicion = LC_NOT_SUSPECTED;
		atomic_set(&backend->streak, 0);
		backend->paced = false;
	} else if (begins && member->health.state != LC_HEALTHY) {
		suspicion = LC_AWAITED;
	} else {
		return;
	}
	lc_backend_suspect(member->pool->pools->backends, backend, suspicion);
}

static void set_due(struct timerqueue_head *queue, struct timerqueue_node *node,
		    ktime_t when, bool queued)
{
	if (timerqueue_node_queued(node)) {
		if (queued && node->expires == when)
			return;
		timerqueue_del(queue, node);
	}
	if (!queued)
		return;
	node->expires = when;
	timerqueue_add(queue, node);
}

/**
 * lc_member_first_due() - whose rest, trial or suspicion may end first?
 * @pool: the pool; locked
 *
 * Context: any.
 * Return: the member, or NULL if none is out or suspect.
 */
struct lc_member *lc_member_first_due(struct lc_pool *pool)
{
	struct timerqueue_node *suspect = timerqueue_getnext(&pool->suspects);
	struct timerqueue_node *first = timerqueue_getnext(&pool->out);

	if (!first || (suspect && suspect->expires < first->expires))
		first = suspect;
	return first ? container_of(first, struct lc_member, due) : NULL;
}

/* @queue: lc_pool.out, lc_pool.suspects, or NULL: none of them */
static void set_queue(struct lc_member *member, struct timerqueue_head *queue)
{
	struct lc_pool *pool = member->pool;
	struct timerqueue_head *was = member->is_among_suspects ? &pool->suspects :
								  &pool->out;
	struct lc_member *first;

	set_due(was, &member->due, member->health.until, queue == was);
	if (queue && queue != was)
		set_due(queue, &member->due, member->health.until, true);
	member->is_among_suspects = queue == &pool->suspects;
	first = lc_member_first_due(pool);
	set_due(&pool->pools->due, &pool->due, first ? first->due.expires : 0, first);
}

static struct timerqueue_head *queue_of(struct lc_member *member)
{
	struct lc_pool *pool = member->pool;

	if (lc_health_is_out(&member->health))
		return &pool->out;
	return member->health.state == LC_SUSPECT ? &pool->suspects : NULL;
}

/**
 * lc_pool_update_policy() - update lc_pool.has_policy
 * @pool: the pool; locked
 *
 * Context: any.
 */
void lc_pool_update_policy(struct lc_pool *pool)
{
	bool has_trials = pool->tiers[0].n[LC_TRIAL] || pool->tiers[1].n[LC_TRIAL];
	const struct lc_settings *settings = &pool->settings;

	WRITE_ONCE(pool->has_trials, has_trials);
	WRITE_ONCE(pool->has_policy,
		   has_trials || settings->persistent || settings->redispatch);
}

/* After a change of lc_health.state, too. */
static void set_tier(struct lc_member *member, struct lc_tier *tier)
{
	struct lc_pool *pool = member->pool;

	lc_health_set_tier(&member->health, tier);
	lc_pool_update_policy(pool);
	if (lc_pool_is_short(pool) && list_empty(&pool->short_pools))
		list_add_tail(&pool->short_pools, &pool->pools->short_pools);
}

/* After a change of lc_health.state. */
static void update_health(struct lc_member *member)
{
	bool out = lc_health_is_out(&member->health);

	set_queue(member, queue_of(member));
	set_tier(member, lc_member_tier(member));
	if (!out)
		member->reason = LEASTCONN_REASON_NONE;
	if (out == member->notified_out)
		list_del_init(&member->to_notify);
	else if (list_empty(&member->to_notify))
		list_add_tail(&member->to_notify, &member->pool->pools->to_notify);
}

static void set_capped(struct lc_member *member, bool capped)
{
	struct lc_pools *pools = member->pool->pools;

	if (capped != list_empty(&member->capped))
		return;
	if (capped)
		list_add_tail(&member->capped, &pools->capped);
	else
		list_del_init(&member->capped);
	pools->n_capped += capped ? 1 : -1;
}

/**
 * lc_member_watch_cap() - check a member for as long as it may be full
 * @member: the member; its pool is locked. Its cap or lc_member.notified_full may
 *	have changed
 */
void lc_member_watch_cap(struct lc_member *member)
{
	set_capped(member, member->terms.max_conns || member->notified_full);
}

static void forget_health(struct lc_member *member)
{
	set_queue(member, NULL);
	set_tier(member, NULL);
	list_del_init(&member->to_notify);
	set_capped(member, false);
}

/**
 * lc_member_del() - undo lc_member_add()
 * @member: the member; its pool is locked
 *
 * Context: may sleep; also after its namespace has ended.
 */
void lc_member_del(struct lc_member *member)
{
	struct lc_backends *backends = member->pool->pools->backends;

	lockdep_assert_held(&backends->lock);

	lc_member_hide(member, true);
	set_watching(member, false);
	forget_health(member);
	list_del(&member->list);
	member->pool->n_members--;
	hlist_del_rcu(&member->dest.node);
	member->backend->n_sched_dests--;
	lc_sched_dest_del(&member->dest);
	lc_backend_user_put(backends, member->backend);
	lc_mem_count_free();
	kfree_rcu(member, rcu);
}

/**
 * lc_member_find() - find a backend in a pool
 * @pool: the pool; locked
 * @backend: the backend
 *
 * Return: the member, or NULL.
 */
struct lc_member *lc_member_find(const struct lc_pool *pool,
				 const struct lc_backend *backend)
{
	struct lc_member *member;

	lockdep_assert_held(&pool->pools->backends->lock);

	/* In the shorter of the two lists that have it. */
	if (pool->n_members < backend->n_sched_dests) {
		list_for_each_entry(member, &pool->members, list)
			if (member->backend == backend && !member->gone)
				return member;
		return NULL;
	}
	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (member->pool == pool && !member->gone)
			return member;
	return NULL;
}

static bool has_same_rules(const struct lc_member *member,
			   const struct lc_member *other)
{
	const struct lc_health_rules rules = lc_member_rules(member);
	const struct lc_health_rules others = lc_member_rules(other);

	return rules.max_fails == others.max_fails &&
	       rules.fail_timeout == others.fail_timeout;
}

/*
 * A rule set is loaded while the one that it replaces is still there: what its rules know
 * of a backend goes on. Of the pools with the same settings, one that has ejected the
 * backend counts before others, in which it may have had to stay, and then the newest one.
 * An ejection by command holds whatever the settings.
 */
static const struct lc_member *find_known(const struct lc_member *member)
{
	const struct lc_member *other, *found = NULL;
	unsigned int left = LC_COMPARE_MAX;

	hlist_for_each_entry(other, &member->backend->sched_dests, dest.node) {
		if (!left--)
			break;
		if (other->manual)
			return other;
		if (!other->in_force || !has_same_rules(member, other))
			continue;
		if (lc_health_is_out(&other->health))
			return other;
		found = found ?: other;
	}
	return found;
}

static void inherit_health(struct lc_member *member)
{
	const struct lc_member *other = find_known(member);

	if (!other)
		return;
	lc_health_copy(&member->health, &other->health);
	member->reason = other->reason;
	member->manual = other->manual;
	/* Listeners know of the ejection from the rule that this one replaces. */
	member->notified_out = other->notified_out && !member->pool->name[0];
}

/**
 * lc_member_update() - let packets choose a member by its current terms and health
 * @member: the member; its pool is locked
 *
 * Context: any.
 */
void lc_member_update(struct lc_member *member)
{
	const struct lc_settings *settings = &member->pool->settings;
	struct lc_ramp ramp = { .span = settings->slow_start * HZ };
	struct lc_pools *pools = member->pool->pools;
	struct lc_terms terms = member->terms;

	lockdep_assert_held(&pools->backends->lock);

	if (!member->in_force)
		inherit_health(member);
	member->in_force = true;
	ramp.since = max(member->backend->since, member->health.back);
	update_health(member);
	lc_member_watch_cap(member);
	if (!list_empty(&member->capped))
		WRITE_ONCE(pools->recheck, true);
	set_watching(member, lc_member_max_fails(member));
	if (member->backend->state != LEASTCONN_STATE_READY ||
	    member->health.state == LC_EJECTED)
		terms.weight = 0;
	terms.trial = member->health.state == LC_TRIAL;
	/* It fails, but is used: it would look idle. A trial has a cap. */
	terms.paced = member->health.state == LC_SUSPECT ||
		      (member->watches && member->backend->paced && !terms.trial);
	if (terms.trial)
		terms.max_conns = min_not_zero(terms.max_conns,
					       member->health.trial_cap);
	lc_sched_dest_set(&member->dest, &terms, &ramp);
}
