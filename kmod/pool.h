/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_POOL_H
#define LC_POOL_H

#include <linux/ktime.h>
#include <linux/netfilter/xt_LEASTCONN.h>
#include <linux/timerqueue.h>

#include "backend.h"

/** LC_MAX_TOTAL - most members of all pools of a namespace, rules' own included */
#define LC_MAX_TOTAL	1048576U

/** LC_POOL_BUCKETS - of pools by name */
#define LC_POOL_BUCKETS	128U

/** LC_PROTOS - kinds of backends: without a port, and one a protocol with ports */
#define LC_PROTOS	6

/**
 * struct lc_kinds - how many there are of each family and protocol
 * @of: by lc_family_index() and protocol
 */
struct lc_kinds {
	unsigned int of[2][LC_PROTOS];
};

/**
 * struct lc_pools - the pools of a network namespace
 * @backends: the namespace's; their lock protects all of this and every pool
 * @named: pools with a name, in the order they were added
 * @unnamed: of rules with --to, each its own
 * @names: those in @named, by name
 * @seed: of the names' hash
 * @count: how many are in @named
 * @rules: how many were ever in @unnamed
 * @total: members of all pools together, at most %LC_MAX_TOTAL
 * @members: of @named, by family
 * @rests: pools with ejected members, by when the first of them has rested
 * @visits: pools some of whose members are to come back at once
 * @untold: members whose ejection or return has not been told
 * @capped: members that may be full, or have been; the one first that was looked
 *	at longest ago
 * @n_capped: how many
 * @to_look: how many of them are to be looked at: they may be full, or not full,
 *	by now
 * @look_anew: all of @capped and of lc_backends.unready are to be looked at;
 *	written without the lock
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
	unsigned int		members[2];
	struct timerqueue_head	rests;
	struct list_head	visits;
	struct list_head	untold;
	struct list_head	capped;
	unsigned int		n_capped;
	unsigned int		to_look;
	bool			look_anew;
};

/**
 * struct lc_settings - of a pool
 * @max_fails: so many failed connections within @fail_timeout eject a backend;
 *	0: never
 * @fail_timeout: seconds
 * @slow_start: seconds in which a backend grows to its full weight; 0: at once
 * @persistent: seconds for which an idle client keeps its backend; 0: it does not
 * @persistent_mask: bits of a client's address that count
 * @redispatch: connections that fail are given to another backend
 */
struct lc_settings {
	u32	max_fails;
	u32	fail_timeout;
	u32	slow_start;
	u32	persistent;
	u8	persistent_mask;
	bool	redispatch;
};

/** LC_DEFAULTS - settings of a pool that is given none */
#define LC_DEFAULTS {						\
	.fail_timeout		= XT_LEASTCONN_FAIL_TIMEOUT,	\
	.persistent_mask	= 128,				\
}

/**
 * struct lc_census - the ordinary members of a pool: ready, no backups, of a weight
 * @all: how many there are
 * @out: of them ejected, or on trial
 * @suspects: in, but would be out
 */
struct lc_census {
	unsigned int all, out, suspects;
};

/**
 * struct lc_pool - backends that rules choose among
 * @arena: the choice; packets take its lock alone
 * @special: packets are to look at @settings, too
 * @settings: as they are; packets read some of them
 * @wanted: as they are to be; a change under way may be ahead
 * @pools: the namespace's
 * @list: in @pools
 * @by_name: in lc_pools.names
 * @step: the step of the changes under way that sets it, or NULL
 * @seats: its members, in the order they were added
 * @n_seats: how many are in @seats
 * @count: how many of them are not gone
 * @members: they, by kind
 * @rules: who use it by name, by kind
 * @rule: in lc_pools.unnamed: which rule's
 * @name: in lc_pools.named
 * @census: its ordinary members
 * @out: members that are ejected, by when they have rested, then those on trial
 * @rest: in lc_pools.rests while one of @out rests
 * @visit: in lc_pools.visits
 * @open: none answers: all are tried
 * @gone: counted no more, as if it were not there. Its memory goes with the last
 *	rule that uses it
 * @rcu: frees it after the last reader of its backends' seats
 */
struct lc_pool {
	struct lc_arena		arena;
	bool			special;
	struct lc_settings	settings;
	struct lc_settings	wanted;
	struct lc_pools		*pools;
	struct list_head	list;
	struct hlist_node	by_name;
	struct lc_step		*step;
	struct list_head	seats;
	unsigned int		n_seats;
	unsigned int		count;
	struct lc_kinds		members;
	struct lc_kinds		rules;
	unsigned int		rule;
	char			name[LEASTCONN_NAME_SIZE];
	struct lc_census	census;
	struct timerqueue_head	out;
	struct timerqueue_node	rest;
	struct list_head	visit;
	bool			open;
	bool			gone;
	struct rcu_head		rcu;
};

/**
 * struct lc_health - what a pool thinks of a member
 * @is: &enum leastconn_health
 * @told: what @is was when it was last told
 * @suspect: would be ejected, were there not too many
 * @doublings: of the next rest
 * @counted: as what lc_pool.census has it
 * @reason: &enum leastconn_reason, of its ejection
 * @fails: since @first
 * @first: jiffies of the first one
 * @rest: jiffies that its last rest took
 * @until: jiffies when it is over
 * @back: jiffies when it last came back
 * @since: jiffies from when on the pool gives it connections
 * @out: in lc_pool.out
 * @untold: in lc_pools.untold
 */
struct lc_health {
	u8		is;
	u8		told;
	bool		suspect;
	u8		doublings;
	u8		counted;
	u8		reason;
	u32		fails;
	u64		first;
	u64		rest;
	u64		until;
	u64		back;
	u64		since;

	struct timerqueue_node	out;
	struct list_head	untold;
};

/**
 * struct lc_member - a backend in a pool
 * @seat: where it is chosen
 * @pool: constant
 * @backend: constant; used
 * @list: in lc_pool.seats
 * @terms: what is wanted of it; a change under way may be ahead of @seat
 * @watches: the backend counts it among those who watch
 * @redispatches: the backend counts it among those who take over
 * @health: what connections have told
 * @gone: counted no more, as if it were not there
 * @full: that it is has been told
 * @capped: in lc_pools.capped
 * @rcu: frees it after the last reader of its backend's seats
 */
struct lc_member {
	struct lc_seat		seat;
	struct lc_pool		*pool;
	struct lc_backend	*backend;
	struct list_head	list;
	struct lc_terms		terms;
	struct lc_health	health;
	bool			watches;
	bool			redispatches;
	bool			gone;
	bool			full;
	struct list_head	capped;
	struct rcu_head		rcu;
};

/**
 * lc_member_is_ordinary() - is it one of those that lc_pool.census counts?
 * @member: the member; its pool is locked
 *
 * Return: whether it is.
 */
static inline bool lc_member_is_ordinary(const struct lc_member *member)
{
	return !member->terms.backup && member->terms.weight &&
	       member->backend->state == LEASTCONN_STATE_READY;
}

void lc_pools_init(struct lc_pools *pools, struct lc_backends *backends);
void lc_pools_exit(struct lc_pools *pools);

struct lc_pool *lc_pool_alloc(struct lc_pools *pools, const char *name,
			      unsigned int size);
void lc_pool_free(struct lc_pool *pool);
void lc_pool_hide(struct lc_pool *pool, bool gone);
struct lc_pool *lc_pool_find(struct lc_pools *pools, const char *name);
bool lc_pool_is_name(const char *text, size_t len);
unsigned int lc_pool_rules(const struct lc_pool *pool);
u8 lc_pool_proto(const struct lc_pool *pool);

void lc_pool_update(struct lc_pool *pool);
const char *lc_pool_use(struct lc_pool *pool, u8 family, u8 proto);
void lc_pool_leave(struct lc_pool *pool, u8 family, u8 proto);

const char *lc_pool_accepts(const struct lc_pool *pool,
			    const struct lc_backend_key *key);
struct lc_member *lc_member_add(struct lc_pool *pool,
				const struct lc_backend_key *key,
				const struct lc_terms *terms);
void lc_member_del(struct lc_member *member);
void lc_member_hide(struct lc_member *member, bool gone);
struct lc_member *lc_member_find(const struct lc_pool *pool,
				 const struct lc_backend *backend);
void lc_member_update(struct lc_member *member);
void lc_member_recount(struct lc_member *member);
void lc_member_watch_cap(struct lc_member *member);
bool lc_pool_is_short(struct lc_pool *pool);

const struct lc_backend_key *lc_pool_choose(struct lc_pool *pool);
const struct lc_backend_key *
lc_pool_choose_other(struct lc_pool *pool, const struct lc_backend *avoid);
bool lc_pool_take(struct lc_pool *pool, struct lc_backend *backend);

#endif /* LC_POOL_H */
