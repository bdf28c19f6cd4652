// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: backends that rules choose among.
 *
 * A rule with --to has a pool of its own, as it was when the rule was checked. A
 * pool with a name belongs to the namespace, and its members come and go while
 * rules use it. What pools want of backends is kept twice: in the members, under
 * the mutex of all who change anything, and in the seats, where packets choose.
 * So a change can be taken back as long as no seat has heard of it.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "pool.h"

/* Where in lc_pools.names a pool of this name is. */
static struct hlist_head *bucket(struct lc_pools *pools, const char *name)
{
	u32 hash = jhash(name, strlen(name), pools->seed);

	return &pools->names[hash % LC_POOL_BUCKETS];
}

static unsigned int proto_index(u8 proto)
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

static unsigned int *kind(struct lc_kinds *kinds, u8 family, u8 proto)
{
	return &kinds->of[lc_family_index(family)][proto_index(proto)];
}

/* How many are of the other family. */
static unsigned int strangers(const struct lc_kinds *kinds, u8 family)
{
	const unsigned int *of = kinds->of[!lc_family_index(family)];
	unsigned int i, sum = 0;

	for (i = 0; i < LC_PROTOS; i++)
		sum += of[i];
	return sum;
}

/* How many are of this family, but of another protocol; @first is theirs. */
static unsigned int others(const struct lc_kinds *kinds, u8 family, u8 proto,
			   unsigned int first)
{
	const unsigned int *of = kinds->of[lc_family_index(family)];
	unsigned int i, sum = 0;

	for (i = first; i < LC_PROTOS; i++)
		if (i != proto_index(proto))
			sum += of[i];
	return sum;
}

/**
 * lc_pools_init() - make a namespace ready for pools
 * @pools: zeroed memory
 * @backends: the namespace's
 *
 * Context: any.
 */
void lc_pools_init(struct lc_pools *pools, struct lc_backends *backends)
{
	pools->backends = backends;
	pools->seed = get_random_u32();
	INIT_LIST_HEAD(&pools->named);
	INIT_LIST_HEAD(&pools->unnamed);
	timerqueue_init_head(&pools->rests);
	INIT_LIST_HEAD(&pools->visits);
	INIT_LIST_HEAD(&pools->untold);
	INIT_LIST_HEAD(&pools->capped);
}

/**
 * lc_pools_exit() - the namespace goes, and its pools with it
 * @pools: the namespace's
 *
 * Rules may still stand: they free what they use.
 *
 * Context: may sleep.
 */
void lc_pools_exit(struct lc_pools *pools)
{
	struct lc_pool *pool, *next;

	mutex_lock(&pools->backends->lock);
	list_for_each_entry_safe(pool, next, &pools->named, list)
		lc_pool_free(pool);
	mutex_unlock(&pools->backends->lock);
}

static void apply(struct lc_pool *pool)
{
	const struct lc_settings *wanted = &pool->wanted;
	struct lc_settings *settings = &pool->settings;

	settings->max_fails = wanted->max_fails;
	settings->fail_timeout = wanted->fail_timeout;
	settings->slow_start = wanted->slow_start;
	WRITE_ONCE(settings->persistent, wanted->persistent);
	WRITE_ONCE(settings->persistent_mask, wanted->persistent_mask);
	WRITE_ONCE(settings->redispatch, wanted->redispatch);
	WRITE_ONCE(pool->special, wanted->persistent || wanted->redispatch);
}

/**
 * lc_pool_alloc() - an empty pool
 * @pools: the namespace's; locked
 * @name: its name, or NULL for a rule's own
 * @size: how many members it is made for
 *
 * A pool with a name keeps the module.
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the pool or ERR_PTR().
 */
struct lc_pool *lc_pool_alloc(struct lc_pools *pools, const char *name,
			      unsigned int size)
{
	struct lc_pool *pool;
	int err;

	lockdep_assert_held(&pools->backends->lock);

	pool = kzalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	err = lc_arena_init(&pool->arena, size);
	if (err) {
		kfree(pool);
		return ERR_PTR(err);
	}
	pool->wanted = (struct lc_settings)LC_DEFAULTS;
	apply(pool);
	pool->pools = pools;
	INIT_LIST_HEAD(&pool->seats);
	timerqueue_init_head(&pool->out);
	timerqueue_init(&pool->rest);
	INIT_LIST_HEAD(&pool->visit);
	if (name) {
		__module_get(THIS_MODULE);
		strscpy(pool->name, name, sizeof(pool->name));
		pools->count++;
		list_add_tail(&pool->list, &pools->named);
		hlist_add_head(&pool->by_name, bucket(pools, name));
	} else {
		pool->rule = pools->rules++;
		list_add_tail(&pool->list, &pools->unnamed);
	}
	return pool;
}

/**
 * lc_pool_hide() - as if a pool were not there, or as it was
 * @pool: the pool; locked
 * @gone: which
 */
void lc_pool_hide(struct lc_pool *pool, bool gone)
{
	if (pool->gone == gone)
		return;
	pool->gone = gone;
	if (pool->name[0])
		pool->pools->count += gone ? -1 : 1;
}

static void release(struct lc_pool *pool)
{
	lc_arena_exit(&pool->arena);
	kfree_rcu(pool, rcu);
}

/**
 * lc_pool_free() - let go of a pool and its members
 * @pool: the pool; locked. The memory of one with a name stays for as long as
 *	rules use it; one without is reached by no packet any more
 *
 * Context: may sleep; also after its namespace has gone.
 */
void lc_pool_free(struct lc_pool *pool)
{
	struct lc_member *member, *next;

	list_for_each_entry_safe(member, next, &pool->seats, list)
		lc_member_del(member);
	list_del(&pool->visit);
	list_del(&pool->list);
	lc_pool_hide(pool, true);
	if (pool->name[0]) {
		hlist_del(&pool->by_name);
		module_put(THIS_MODULE);
	}
	if (!lc_pool_rules(pool))
		release(pool);
}

/**
 * lc_pool_find() - the pool with this name
 * @pools: the namespace's; locked
 * @name: the name
 *
 * Return: the pool or NULL.
 */
struct lc_pool *lc_pool_find(struct lc_pools *pools, const char *name)
{
	struct lc_pool *pool;

	lockdep_assert_held(&pools->backends->lock);

	hlist_for_each_entry(pool, bucket(pools, name), by_name)
		if (!pool->gone && !strcmp(pool->name, name))
			return pool;
	return NULL;
}

/**
 * lc_pool_is_name() - can a pool be called so?
 * @text: the name; no zero byte is needed
 * @len: how long it is
 *
 * Return: whether it can.
 */
bool lc_pool_is_name(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(text[i]) ||
		    (!isalnum(text[i]) && !strchr("_.-", text[i])))
			return false;
	return len && len < LEASTCONN_NAME_SIZE;
}

/**
 * lc_pool_rules() - how many rules use a pool by its name
 * @pool: the pool; locked
 *
 * Return: the number.
 */
unsigned int lc_pool_rules(const struct lc_pool *pool)
{
	return strangers(&pool->rules, NFPROTO_IPV4) +
	       strangers(&pool->rules, NFPROTO_IPV6);
}

/**
 * lc_pool_proto() - the protocol of a pool's backends with a port
 * @pool: the pool; locked
 *
 * Return: that of its backends, else of its rules, else TCP.
 */
u8 lc_pool_proto(const struct lc_pool *pool)
{
	static const u8 protos[LC_PROTOS] = {
		0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP,
		IPPROTO_UDPLITE,
	};
	unsigned int i;

	for (i = 1; i < LC_PROTOS; i++)
		if (pool->members.of[0][i] || pool->members.of[1][i])
			return protos[i];
	for (i = 1; i < LC_PROTOS; i++)
		if (pool->rules.of[0][i] || pool->rules.of[1][i])
			return protos[i];
	return IPPROTO_TCP;
}

/**
 * lc_pool_use() - a rule uses a pool by its name
 * @pool: the pool; locked
 * @family: the rule's
 * @proto: the one protocol it matches; 0: several
 *
 * Return: NULL, or why the rule cannot.
 */
const char *lc_pool_use(struct lc_pool *pool, u8 family, u8 proto)
{
	if (strangers(&pool->members, family))
		return "its backends are of the other family";
	if (others(&pool->members, family, proto, 1))
		return "its backends have ports of another protocol than the rule's -p";
	++*kind(&pool->rules, family, proto);
	return NULL;
}

/**
 * lc_pool_leave() - undo lc_pool_use()
 * @pool: the pool; locked
 * @family: as it was used
 * @proto: the same
 *
 * Context: any; also after its namespace has gone.
 */
void lc_pool_leave(struct lc_pool *pool, u8 family, u8 proto)
{
	--*kind(&pool->rules, family, proto);
	if (pool->gone && !lc_pool_rules(pool))
		release(pool);
}

/**
 * lc_pool_accepts() - can this backend be in a pool?
 * @pool: the pool; locked
 * @key: the backend
 *
 * Return: NULL, or why not.
 */
const char *lc_pool_accepts(const struct lc_pool *pool,
			    const struct lc_backend_key *key)
{
	if (strangers(&pool->members, key->family))
		return "the pool's backends are of the other family";
	if (strangers(&pool->rules, key->family))
		return "rules of the other family use the pool";
	if (!key->proto)
		return NULL;
	if (others(&pool->members, key->family, key->proto, 1))
		return "the pool's backends are of another protocol";
	if (others(&pool->rules, key->family, key->proto, 0))
		return "rules of another protocol use the pool";
	return NULL;
}

/* All who are not gone. */
static void count(const struct lc_member *member, int more)
{
	const struct lc_backend_key *key = &member->backend->key;
	struct lc_pool *pool = member->pool;
	struct lc_pools *pools = pool->pools;

	*kind(&pool->members, key->family, key->proto) += more;
	pool->count += more;
	pools->total += more;
	if (pool->name[0])
		pools->members[lc_family_index(key->family)] += more;
}

/**
 * lc_member_hide() - as if a member were not there, or as it was
 * @member: the member; its pool is locked. It can be chosen as before
 * @gone: which
 */
void lc_member_hide(struct lc_member *member, bool gone)
{
	if (member->gone == gone)
		return;
	member->gone = gone;
	count(member, gone ? -1 : 1);
}

/**
 * lc_member_add() - one more backend in a pool
 * @pool: the pool; locked
 * @key: the backend
 * @terms: what the pool wants of it
 *
 * It can be chosen from lc_member_update() on.
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the member, or ERR_PTR(): -ENOSPC when the namespace has
 *	%LC_MAX_TOTAL.
 */
struct lc_member *lc_member_add(struct lc_pool *pool,
				const struct lc_backend_key *key,
				const struct lc_terms *terms)
{
	struct lc_pools *pools = pool->pools;
	struct lc_backend *backend;
	struct lc_member *member;
	int err;

	if (pools->total >= LC_MAX_TOTAL)
		return ERR_PTR(-ENOSPC);
	member = kzalloc(sizeof(*member), GFP_KERNEL_ACCOUNT);
	if (!member)
		return ERR_PTR(-ENOMEM);
	err = lc_arena_reserve(&pool->arena);
	if (err)
		goto free_member;
	backend = lc_backend_use(pools->backends, key);
	if (IS_ERR(backend)) {
		err = PTR_ERR(backend);
		goto free_member;
	}
	member->pool = pool;
	member->backend = backend;
	member->terms = *terms;
	timerqueue_init(&member->health.out);
	INIT_LIST_HEAD(&member->health.untold);
	INIT_LIST_HEAD(&member->capped);
	lc_seat_take(&member->seat, &pool->arena, &backend->active);
	hlist_add_head_rcu(&member->seat.node, &backend->seats);
	backend->n_seats++;
	list_add_tail(&member->list, &pool->seats);
	pool->n_seats++;
	count(member, 1);
	return member;

free_member:
	kfree(member);
	return ERR_PTR(err);
}

/* Whether the pool wants to hear of failed connections, and takes them over. */
static void watch(struct lc_member *member, bool watches, bool redispatches)
{
	struct lc_backend *backend = member->backend;

	WRITE_ONCE(backend->watched,
		   backend->watched + watches - member->watches);
	WRITE_ONCE(backend->redispatch,
		   backend->redispatch + redispatches - member->redispatches);
	member->watches = watches;
	member->redispatches = redispatches;
}

/**
 * lc_pool_is_short() - are members to come back before they have rested?
 * @pool: the pool; locked
 *
 * There may be fewer ordinary members than when others were ejected, and at most
 * half of them are out; or the pool ejects no more.
 *
 * Return: whether some are.
 */
bool lc_pool_is_short(struct lc_pool *pool)
{
	if (!pool->settings.max_fails)
		return timerqueue_getnext(&pool->out);
	return 2 * pool->census.out > pool->census.all;
}

#define LC_COUNTS_ALL		BIT(0)
#define LC_COUNTS_OUT		BIT(1)
#define LC_COUNTS_SUSPECT	BIT(2)

static u8 counts_as(const struct lc_member *member)
{
	if (!lc_member_is_ordinary(member))
		return 0;
	return LC_COUNTS_ALL |
	       (member->health.is != LEASTCONN_HEALTH_IN ? LC_COUNTS_OUT : 0) |
	       (member->health.suspect ? LC_COUNTS_SUSPECT : 0);
}

/* All that changes a pool's census. */
static void count_as(struct lc_member *member, u8 now)
{
	struct lc_pool *pool = member->pool;
	struct lc_census *census = &pool->census;
	u8 before = member->health.counted;

	census->all += !!(now & LC_COUNTS_ALL) - !!(before & LC_COUNTS_ALL);
	census->out += !!(now & LC_COUNTS_OUT) - !!(before & LC_COUNTS_OUT);
	census->suspects += !!(now & LC_COUNTS_SUSPECT) -
			    !!(before & LC_COUNTS_SUSPECT);
	member->health.counted = now;
	if (lc_pool_is_short(pool) && list_empty(&pool->visit))
		list_add_tail(&pool->visit, &pool->pools->visits);
}

/**
 * lc_member_recount() - what its pool counts it as may have changed
 * @member: the member; its pool is locked
 *
 * Not to be called where lc_member_update() is.
 */
void lc_member_recount(struct lc_member *member)
{
	count_as(member, counts_as(member));
}

/* Those on trial are the last in lc_pool.out: nothing is ever due with them. */
static ktime_t out_until(const struct lc_health *health)
{
	return health->is == LEASTCONN_HEALTH_TRIAL ? KTIME_MAX :
						      (ktime_t)health->until;
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

static void set_out(struct lc_member *member, bool out)
{
	struct lc_health *health = &member->health;
	struct lc_pool *pool = member->pool;
	struct timerqueue_node *first;
	ktime_t when;

	set_due(&pool->out, &health->out, out_until(health), out);
	first = timerqueue_getnext(&pool->out);
	when = first ? first->expires : KTIME_MAX;
	set_due(&pool->pools->rests, &pool->rest, when, when != KTIME_MAX);
}

/* After any change of lc_health.is. */
static void follow_health(struct lc_member *member)
{
	struct lc_health *health = &member->health;
	bool out = health->is != LEASTCONN_HEALTH_IN;
	bool told = health->told != LEASTCONN_HEALTH_IN;

	set_out(member, out);
	lc_member_recount(member);
	if (out == told)
		list_del_init(&health->untold);
	else if (list_empty(&health->untold))
		list_add_tail(&health->untold, &member->pool->pools->untold);
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
 * lc_member_watch_cap() - a member is looked at for as long as it may be full
 * @member: the member; its pool is locked. Its cap or lc_member.full may have
 *	changed
 */
void lc_member_watch_cap(struct lc_member *member)
{
	set_capped(member, member->terms.max_conns || member->full);
}

static void forget_health(struct lc_member *member)
{
	set_out(member, false);
	count_as(member, 0);
	list_del_init(&member->health.untold);
	set_capped(member, false);
}

/**
 * lc_member_del() - undo lc_member_add()
 * @member: the member; its pool is locked
 *
 * Context: may sleep; also after its namespace has gone.
 */
void lc_member_del(struct lc_member *member)
{
	struct lc_backends *backends = member->pool->pools->backends;

	lockdep_assert_held(&backends->lock);

	lc_member_hide(member, true);
	watch(member, false, false);
	forget_health(member);
	list_del(&member->list);
	member->pool->n_seats--;
	hlist_del_rcu(&member->seat.node);
	member->backend->n_seats--;
	lc_seat_leave(&member->seat);
	lc_backend_leave(backends, member->backend);
	kfree_rcu(member, rcu);
}

/**
 * lc_member_find() - a backend in a pool
 * @pool: the pool; locked
 * @backend: the backend
 *
 * Return: the member or NULL.
 */
struct lc_member *lc_member_find(const struct lc_pool *pool,
				 const struct lc_backend *backend)
{
	struct lc_member *member;

	lockdep_assert_held(&pool->pools->backends->lock);

	/* The shorter of the two lists that it is in. */
	if (pool->n_seats < backend->n_seats) {
		list_for_each_entry(member, &pool->seats, list)
			if (member->backend == backend && !member->gone)
				return member;
		return NULL;
	}
	hlist_for_each_entry(member, &backend->seats, seat.node)
		if (member->pool == pool && !member->gone)
			return member;
	return NULL;
}

/* One connection more than it has. */
static void allow_one(const struct lc_member *member, struct lc_terms *terms)
{
	int active = atomic_read(&member->backend->active);
	u32 one = active > 0 ? active + 1 : 1;

	terms->max_conns = min_not_zero(terms->max_conns, one);
}

/**
 * lc_member_update() - let packets know what is wanted of a member
 * @member: the member; its pool is locked
 *
 * Context: any.
 */
void lc_member_update(struct lc_member *member)
{
	const struct lc_settings *settings = &member->pool->settings;
	const struct lc_ramp ramp = {
		.since	= max(member->backend->since, member->health.since),
		.span	= settings->slow_start * HZ,
	};
	struct lc_pools *pools = member->pool->pools;
	struct lc_terms terms = member->terms;

	lockdep_assert_held(&pools->backends->lock);

	follow_health(member);
	lc_member_watch_cap(member);
	if (!list_empty(&member->capped))
		WRITE_ONCE(pools->look_anew, true);
	watch(member, settings->max_fails || settings->redispatch,
	      settings->redispatch);
	if (member->backend->state != LEASTCONN_STATE_READY ||
	    member->health.is == LEASTCONN_HEALTH_EJECTED)
		terms.weight = 0;
	if (member->health.is == LEASTCONN_HEALTH_TRIAL)
		allow_one(member, &terms);
	lc_seat_set(&member->seat, &terms, &ramp);
}

/**
 * lc_pool_update() - put the settings in force that are wanted
 * @pool: the pool; locked
 *
 * Context: any.
 */
void lc_pool_update(struct lc_pool *pool)
{
	struct lc_member *member;

	apply(pool);
	/* One that came and went in the same message is never chosen. */
	list_for_each_entry(member, &pool->seats, list)
		if (!member->gone)
			lc_member_update(member);
}

static struct lc_backend *backend_at(const struct lc_arena *arena, int at)
{
	return container_of(arena->tournament.slots[at].active,
			    struct lc_backend, active);
}

static struct lc_backend *other_than(struct lc_arena *arena, int at)
{
	return backend_at(arena, lc_tournament_choose_other(&arena->tournament,
							    at));
}

static __always_inline const struct lc_backend_key *
choose(struct lc_pool *pool, const struct lc_backend *avoid)
{
	struct lc_arena *arena = &pool->arena;
	struct lc_backend *backend = NULL;
	int at;

	spin_lock_bh(&arena->lock);
	if (unlikely(arena->n_ramping))
		lc_arena_advance(arena);
	at = lc_tournament_choose(&arena->tournament);
	if (at >= 0) {
		backend = backend_at(arena, at);
		if (avoid && backend == avoid)
			backend = other_than(arena, at);
		/* Here, so that nobody remembers it who came after its end. */
		rcu_assign_pointer(*raw_cpu_ptr(&lc_chosen), backend);
	}
	spin_unlock_bh(&arena->lock);
	return backend ? &backend->key : NULL;
}

/**
 * lc_pool_choose() - the backend that takes the next connection
 * @pool: the pool
 *
 * Counts nothing: a connection counts when it is recorded.
 *
 * Context: any, under rcu_read_lock(); the caller keeps the pool alive.
 * Return: the backend's key, alive until the read section ends, or NULL when
 *	none can take a connection.
 */
const struct lc_backend_key *lc_pool_choose(struct lc_pool *pool)
{
	return choose(pool, NULL);
}

/**
 * lc_pool_choose_other() - the same, but not this one if there is another
 * @pool: the pool
 * @avoid: whom not, to be compared with; or NULL
 *
 * Context: as lc_pool_choose().
 * Return: the same.
 */
const struct lc_backend_key *
lc_pool_choose_other(struct lc_pool *pool, const struct lc_backend *avoid)
{
	return choose(pool, avoid);
}

/**
 * lc_pool_take() - choose this backend, if it can take a connection
 * @pool: the pool
 * @backend: the backend
 *
 * Context: any, under rcu_read_lock(); the caller keeps the pool alive.
 * Return: whether it is in the pool and can.
 */
bool lc_pool_take(struct lc_pool *pool, struct lc_backend *backend)
{
	struct lc_arena *arena = &pool->arena;
	struct lc_seat *seat;
	bool taken = false;

	hlist_for_each_entry_rcu(seat, &backend->seats, node) {
		if (seat->arena != arena)
			continue;
		spin_lock_bh(&arena->lock);
		taken = seat->taken &&
			lc_tournament_take(&arena->tournament, seat->at);
		if (taken)
			rcu_assign_pointer(*raw_cpu_ptr(&lc_chosen), backend);
		spin_unlock_bh(&arena->lock);
		break;
	}
	return taken;
}
