/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of pools. The structures of pools are here, too: members update them. */
#ifndef LC_MEMBER_H
#define LC_MEMBER_H

#include <linux/netfilter/xt_LEASTCONN.h>
#include <linux/timerqueue.h>

#include "backend.h"
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
 * @rests: pools with resting members, by the end of the first rest
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
	struct timerqueue_head	rests;
	struct list_head	short_pools;
	struct list_head	to_notify;
	struct list_head	capped;
	unsigned int		n_capped;
	unsigned int		to_check;
	bool			recheck;
};

/**
 * struct lc_settings - the settings of a pool
 * @max_fails: failed connections within @fail_timeout that eject a backend; 0: never
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
	.fail_timeout		= XT_LEASTCONN_FAIL_TIMEOUT,	\
	.persistent_mask	= 128,				\
}

/**
 * enum lc_tier - the members of a pool that replace each other
 * @LC_TIER_ORDINARY: ordinary members; they serve first
 * @LC_TIER_BACKUP: backups; they serve when no ordinary member can
 * @LC_TIERS: how many tiers there are
 * @LC_TIER_NONE: the member takes no connections: not ready, or weight 0
 */
enum lc_tier {
	LC_TIER_ORDINARY,
	LC_TIER_BACKUP,
	LC_TIERS,
	LC_TIER_NONE = LC_TIERS,
};

/**
 * struct lc_tier_stats - the members of a tier of a pool
 * @all: how many there are
 * @out: how many of them are ejected or on trial
 * @suspects: how many are in, but would be ejected if fewer were out
 * @panic: no member answers: all are tried
 */
struct lc_tier_stats {
	unsigned int all, out, suspects;
	bool panic;
};

/**
 * struct lc_pool - backends that rules choose from
 * @sched: makes the choice; packets take only its lock
 * @has_policy: packets must look at @settings
 * @settings: in force; packets read some of them
 * @wanted: as they are to be; a change in progress may be ahead of @settings
 * @pools: the namespace's
 * @list: in lc_pools.named or lc_pools.unnamed
 * @by_name: in lc_pools.names
 * @step: the step of the changes in progress that sets it, or NULL
 * @members: in the order they were added
 * @n_members: how many are in @members
 * @n_live: how many of them are not hidden by a change in progress
 * @member_kinds: these, by kind
 * @rule_kinds: rules that use the pool by its name, by kind
 * @rule: number of the rule; of a pool without a name
 * @name: empty: the pool of a rule with --to
 * @tiers: its members by enum lc_tier
 * @out: members that rest, by the ends of their rests, then those on trial
 * @rest: in lc_pools.rests while a member rests
 * @short_pools: in lc_pools.short_pools
 * @gone: hidden, or deleted. The memory is freed with the last rule that uses it
 * @rcu: frees the memory after the last reader of its backends' dests
 */
struct lc_pool {
	struct lc_sched		sched;
	bool			has_policy;
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
	struct lc_tier_stats	tiers[LC_TIERS];
	struct timerqueue_head	out;
	struct timerqueue_node	rest;
	struct list_head	short_pools;
	bool			gone;
	struct rcu_head		rcu;
};

/**
 * struct lc_health - the health of a member
 * @state: &enum leastconn_health
 * @notified: @state when it was last reported
 * @suspect: it would be ejected if fewer members were out
 * @doublings: of the next rest
 * @tier: enum lc_tier that lc_pool.tiers counts it in
 * @tier_flags: how it is counted there
 * @reason: &enum leastconn_reason of its ejection
 * @fails: failed connections since @first
 * @first: jiffies of the first of them
 * @rest: jiffies that its last rest took
 * @until: jiffies when its rest ends, or its trial begins again
 * @trial_cap: connections that it may have on trial
 * @back: jiffies when it last came back
 * @since: jiffies from when on the pool gives it connections
 * @out: in lc_pool.out
 * @to_notify: in lc_pools.to_notify
 */
struct lc_health {
	u8		state;
	u8		notified;
	bool		suspect;
	u8		doublings;
	u8		tier;
	u8		tier_flags;
	u8		reason;
	u32		fails;
	u32		trial_cap;
	u64		first;
	u64		rest;
	u64		until;
	u64		back;
	u64		since;

	struct timerqueue_node	out;
	struct list_head	to_notify;
};

/**
 * struct lc_member - a backend in a pool
 * @dest: its place in the pool's scheduler
 * @pool: constant
 * @backend: constant; the member is a user of it
 * @list: in lc_pool.members
 * @terms: as they are to be; a change in progress may be ahead of @dest
 * @health: its health
 * @watches: lc_backend.n_watching counts it
 * @redispatches: lc_backend.n_redispatching counts it
 * @gone: hidden by a change in progress
 * @notified_full: listeners know that it is full
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
	bool			watches;
	bool			redispatches;
	bool			gone;
	bool			notified_full;
	struct list_head	capped;
	struct rcu_head		rcu;
};

/**
 * lc_member_tier() - the tier that a member serves in
 * @member: the member; its pool is locked
 *
 * Return: &enum lc_tier.
 */
static inline enum lc_tier lc_member_tier(const struct lc_member *member)
{
	if (!member->terms.weight ||
	    member->backend->state != LEASTCONN_STATE_READY)
		return LC_TIER_NONE;
	return member->terms.backup ? LC_TIER_BACKUP : LC_TIER_ORDINARY;
}

/**
 * lc_tier_is_short() - must members come back before their rest has ended?
 * @stats: their tier; its pool is locked
 *
 * At most half of a tier is out; it may have fewer members than when the others were
 * ejected.
 *
 * Return: true if some must.
 */
static inline bool lc_tier_is_short(const struct lc_tier_stats *stats)
{
	return 2 * stats->out > stats->all;
}

/**
 * lc_pool_is_short() - must members of any tier come back?
 * @pool: the pool; locked
 *
 * A pool without max_fails has none out.
 *
 * Return: true if some must.
 */
static inline bool lc_pool_is_short(struct lc_pool *pool)
{
	if (!pool->settings.max_fails)
		return timerqueue_getnext(&pool->out);
	return lc_tier_is_short(&pool->tiers[LC_TIER_ORDINARY]) ||
	       lc_tier_is_short(&pool->tiers[LC_TIER_BACKUP]);
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
void lc_member_count_tier(struct lc_member *member);
void lc_member_watch_cap(struct lc_member *member);

#endif /* LC_MEMBER_H */
