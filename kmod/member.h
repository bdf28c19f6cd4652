/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of pools. The structures of pools are here, too: members update them. */
#ifndef LC_MEMBER_H
#define LC_MEMBER_H

#include <linux/netfilter/xt_LEASTCONN.h>
#include <linux/timerqueue.h>

#include "backend.h"
#include "health.h"
#include "sched.h"

/** LC_MAX_TOTAL - most members of all pools of a namespace, rules' own included */
#define LC_MAX_TOTAL	1048576U

/** LC_POOL_BUCKETS - buckets of pools by name */
#define LC_POOL_BUCKETS	128U

/** LC_KINDS - kinds of backends: without a port, and one for each protocol with ports */
#define LC_KINDS	6

/**
 * struct lc_kinds - counts by family and protocol
 * @of: by lc_family_index() and lc_kind_index()
 */
struct lc_kinds {
	unsigned int of[2][LC_KINDS];
};

/**
 * struct lc_pools - the pools of a network namespace
 * @backends: the namespace's; their lock protects all of this and every pool
 * @named: pools with a name, in the order they were added
 * @unnamed: pools of rules with --to, one for each rule
 * @names: the pools in @named, by name
 * @seed: of the hash of names
 * @count: how many are in @named
 * @rules: how many were ever in @unnamed
 * @total: members of all pools together, at most %LC_MAX_TOTAL
 * @n_members: members of @named, by family
 * @due: pools with members that are out or suspect, by the time of the first one
 * @short_pools: pools with members to bring back before their rest ends
 * @to_notify: members whose ejection or return has not been reported
 * @capped: members that may be full, or have been; the one that was checked longest
 *	ago comes first
 * @n_capped: how many. Read without the lock
 * @to_check: how many of them are to be checked: they may be full, or no longer
 *	full, by now. Read without the lock
 * @recheck: all of @capped and of lc_backends.unready are to be checked; without
 *	the lock
 */
struct lc_pools {
	struct lc_backends	*backends;
	struct list_head	named;
	struct list_head	unnamed;
	struct hlist_head	names[LC_POOL_BUCKETS];
	u32			seed;
	unsigned int		count;
	unsigned int		rules;
	unsigned int		total;
	unsigned int		n_members[2];
	struct timerqueue_head	due;
	struct list_head	short_pools;
	struct list_head	to_notify;
	struct list_head	capped;
	unsigned int		n_capped;
	unsigned int		to_check;
	bool			recheck;
};

/**
 * struct lc_settings - the settings of a pool
 * @max_fails: failed connections within @fail_timeout that eject a backend; 0: never;
 *	%LEASTCONN_MAX_FAILS_DEFAULT
 * @fail_timeout: seconds
 * @slow_start: seconds in which a backend grows to its full weight; 0: at once
 * @persistent: seconds that an idle client keeps its backend; 0: off
 * @persistent_mask: bits of a client's address that count
 * @redispatch: failed connections are given to another backend
 */
struct lc_settings {
	u32	max_fails;
	u32	fail_timeout;
	u32	slow_start;
	u32	persistent;
	u8	persistent_mask;
	bool	redispatch;
};

/** LC_DEFAULTS - the settings of a pool that is given none */
#define LC_DEFAULTS {						\
	.max_fails		= LEASTCONN_MAX_FAILS_DEFAULT,	\
	.fail_timeout		= XT_LEASTCONN_FAIL_TIMEOUT,	\
	.persistent_mask	= 128,				\
}

/** LC_TIERS - ordinary members, which serve first, and backups: see lc_member_tier() */
#define LC_TIERS	2

/**
 * struct lc_pool - backends that rules choose from
 * @sched: makes the choice; packets take only its lock
 * @has_policy: packets must look at @settings, or at @has_trials
 * @has_trials: a member is on trial. Read without the lock
 * @origin: marks of LC_ORIGIN for the connections that it gets
 * @settings: in force; packets read some of them
 * @wanted: as they are to be; a change in progress may be ahead of @settings
 * @pools: the namespace's
 * @list: in lc_pools.named or lc_pools.unnamed
 * @by_name: in lc_pools.names, unless it is @gone
 * @step: the step of the changes in progress that sets it, or NULL
 * @members: in the order they were added
 * @n_members: how many are in @members
 * @n_live: how many of them are not hidden by a change in progress
 * @member_kinds: these, by kind
 * @rule_kinds: rules that use the pool by its name, by kind
 * @rule: number of the rule; of a pool without a name
 * @name: empty: the pool of a rule with --to
 * @tiers: its members that take connections; [1]: backups
 * @out: members that rest or are on trial, by lc_health.until
 * @suspects: those that are suspect, by times that are not later than lc_health.until
 * @due: in lc_pools.due while there are any of these
 * @short_pools: in lc_pools.short_pools
 * @gone: hidden, or deleted. The memory is freed with the last rule that uses it
 * @rcu: frees the memory after the last reader of its backends' dests
 */
struct lc_pool {
	struct lc_sched		sched;
	bool			has_policy;
	bool			has_trials;
	u16			origin;
	struct lc_settings	settings;
	struct lc_settings	wanted;
	struct lc_pools		*pools;
	struct list_head	list;
	struct hlist_node	by_name;
	struct lc_step		*step;
	struct list_head	members;
	unsigned int		n_members;
	unsigned int		n_live;
	struct lc_kinds		member_kinds;
	struct lc_kinds		rule_kinds;
	unsigned int		rule;
	char			name[LEASTCONN_NAME_SIZE];
	struct lc_tier		tiers[LC_TIERS];
	struct timerqueue_head	out;
	struct timerqueue_head	suspects;
	struct timerqueue_node	due;
	struct list_head	short_pools;
	bool			gone;
	struct rcu_head		rcu;
};

/**
 * struct lc_member - a backend in a pool
 * @dest: its place in the pool's scheduler
 * @pool: constant
 * @backend: constant; the member is a user of it
 * @list: in lc_pool.members
 * @terms: as they are to be; a change in progress may be ahead of @dest
 * @health: its health
 * @reason: &enum leastconn_reason of its ejection
 * @manual: a command has ejected it: only the end of its rest or a command brings it back
 * @notified_out: listeners know that it is out
 * @watches: lc_backend.n_watching counts it
 * @gone: hidden by a change in progress
 * @in_force: packets may have been able to choose it
 * @notified_full: listeners know that it is full
 * @is_among_suspects: @due is in lc_pool.suspects, if it is in a queue
 * @fail_timeout: that of its pool, in jiffies, while it watches; else 0
 * @due: in lc_pool.out or lc_pool.suspects
 * @to_notify: in lc_pools.to_notify
 * @capped: in lc_pools.capped
 * @rcu: frees the memory after the last reader of its backend's dests
 */
struct lc_member {
	struct lc_sched_dest	dest;
	struct lc_pool		*pool;
	struct lc_backend	*backend;
	struct list_head	list;
	struct lc_terms		terms;
	struct lc_health	health;
	u8			reason;
	bool			manual : 1;
	bool			notified_out : 1;
	bool			watches : 1;
	bool			gone : 1;
	bool			in_force : 1;
	bool			notified_full : 1;
	bool			is_among_suspects : 1;
	u32			fail_timeout;
	struct timerqueue_node	due;
	struct list_head	to_notify;
	struct list_head	capped;
	struct rcu_head		rcu;
};

/**
 * lc_member_tier() - the tier that a member serves in
 * @member: the member; its pool is locked
 *
 * Return: the tier, or NULL if the administrator gives it no connections: it is not
 *	ready, was ejected by a command, or has weight 0.
 */
static inline struct lc_tier *lc_member_tier(const struct lc_member *member)
{
	if (!member->terms.weight || member->manual ||
	    member->backend->state != LEASTCONN_STATE_READY)
		return NULL;
	return &member->pool->tiers[member->terms.backup];
}

/**
 * lc_member_health() - the health of a member as users see it
 * @member: the member; its pool is locked
 *
 * Return: &enum leastconn_health.
 */
static inline u8 lc_member_health(const struct lc_member *member)
{
	switch (member->health.state) {
	case LC_EJECTED:
		return LEASTCONN_HEALTH_EJECTED;
	case LC_TRIAL:
		return LEASTCONN_HEALTH_TRIAL;
	default:
		return LEASTCONN_HEALTH_IN;
	}
}

/**
 * lc_member_counted() - the connections of a member that count towards its limit
 * @member: the member
 *
 * The choice compares the same number with the limit: see slot_is_full(). On trial the
 * limit is another one, and more count towards it.
 *
 * Context: any.
 * Return: how many are active and not exempt.
 */
static inline u32 lc_member_counted(const struct lc_member *member)
{
	const struct lc_conns *conns = &member->backend->conns;
	int counted = atomic_read(&conns->active) - atomic_read(&conns->exempt);

	return counted < 0 ? 0 : counted;
}

/**
 * lc_member_is_full() - has a member as many connections as it may have?
 * @member: the member; its pool is locked
 *
 * Return: true if it has. The cap of a trial does not matter.
 */
static inline bool lc_member_is_full(const struct lc_member *member)
{
	const u32 max_conns = member->terms.max_conns;

	return max_conns && lc_member_counted(member) >= max_conns;
}

/**
 * lc_member_max_fails() - the failed connections that eject a member
 * @member: the member; its pool is locked
 *
 * By default only TCP is judged: a server need not answer UDP, and a client chooses the
 * port of a backend without one.
 *
 * Return: the number; 0: it is not judged.
 */
static inline u32 lc_member_max_fails(const struct lc_member *member)
{
	u32 max_fails = member->pool->settings.max_fails;

	if (max_fails != LEASTCONN_MAX_FAILS_DEFAULT)
		return max_fails;
	return member->backend->key.proto == IPPROTO_TCP ?
	       XT_LEASTCONN_MAX_FAILS : 0;
}

/**
 * lc_member_rules() - what decides about the health of a member
 * @member: the member; its pool is locked
 *
 * Return: the rules.
 */
static inline struct lc_health_rules
lc_member_rules(const struct lc_member *member)
{
	return (struct lc_health_rules) {
		.max_fails	= lc_member_max_fails(member),
		.fail_timeout	= (u64)member->pool->settings.fail_timeout * HZ,
	};
}

/**
 * lc_pool_is_short() - must members of any tier come back?
 * @pool: the pool; locked
 *
 * A pool without max_fails has none out, except those that a command ejected: they
 * are counted here, but are not brought back.
 *
 * Return: true if some must.
 */
static inline bool lc_pool_is_short(struct lc_pool *pool)
{
	if (!pool->settings.max_fails)
		return timerqueue_getnext(&pool->out);
	return lc_tier_is_short(&pool->tiers[0]) ||
	       lc_tier_is_short(&pool->tiers[1]);
}

unsigned int *lc_kind(struct lc_kinds *kinds, u8 family, u8 proto);
unsigned int lc_kind_index(u8 proto);

struct lc_member *lc_member_add(struct lc_pool *pool,
				const struct lc_backend_key *key,
				const struct lc_terms *terms);
void lc_member_del(struct lc_member *member);
void lc_member_hide(struct lc_member *member, bool gone);
struct lc_member *lc_member_find(const struct lc_pool *pool,
				 const struct lc_backend *backend);
void lc_member_update(struct lc_member *member);
struct lc_member *lc_member_first_due(struct lc_pool *pool);
void lc_member_watch_cap(struct lc_member *member);
void lc_pool_update_policy(struct lc_pool *pool);

#endif /* LC_MEMBER_H */
