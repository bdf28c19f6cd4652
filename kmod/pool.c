// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: backends that rules choose from.
 *
 * A rule with --to has a pool of its own, which does not change after the rule has
 * been checked. A pool with a name belongs to the namespace; its members come and go
 * while rules use it.
 */
#include <linux/bsearch.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "addr.h"
#include "hint.h"
#include "lock.h"
#include "mem.h"
#include "pool.h"
#include "record.h"
#include "retry.h"

/* The bucket of lc_pools.names for a name. */
static struct hlist_head *name_bucket(struct lc_pools *pools, const char *name)
{
	u32 hash = jhash(name, strlen(name), pools->seed);

	return &pools->names[hash % LC_POOL_BUCKETS];
}

static unsigned int count_other_family(const struct lc_kinds *kinds, u8 family)
{
	const unsigned int *of = kinds->of[!lc_family_index(family)];
	unsigned int i, sum = 0;

	for (i = 0; i < LC_KINDS; i++)
		sum += of[i];
	return sum;
}

/*
 * Find a kind of the family with another protocol, from the kind @first on. Return
 * %LC_KINDS if there is none.
 */
static unsigned int find_other_proto(const struct lc_kinds *kinds, u8 family,
				     u8 proto, unsigned int first)
{
	const unsigned int *of = kinds->of[lc_family_index(family)];
	unsigned int i;

	for (i = first; i < LC_KINDS; i++)
		if (i != lc_kind_index(proto) && of[i])
			break;
	return i;
}

/**
 * lc_pools_init() - set up a namespace's pools
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
	timerqueue_init_head(&pools->due);
	INIT_LIST_HEAD(&pools->short_pools);
	INIT_LIST_HEAD(&pools->to_notify);
	INIT_LIST_HEAD(&pools->capped);
}

/**
 * lc_pools_exit() - the namespace ends: free its named pools
 * @pools: the namespace's
 *
 * Rules may remain. They free what they use.
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

static void apply_settings(struct lc_pool *pool)
{
	const struct lc_settings *wanted = &pool->wanted;
	struct lc_settings *settings = &pool->settings;

	settings->max_fails = wanted->max_fails;
	settings->fail_timeout = wanted->fail_timeout;
	settings->slow_start = wanted->slow_start;
	WRITE_ONCE(settings->persistent, wanted->persistent);
	WRITE_ONCE(settings->persistent_mask, wanted->persistent_mask);
	WRITE_ONCE(settings->redispatch, wanted->redispatch);
	lc_pool_update_policy(pool);
	WRITE_ONCE(pool->origin,
		   LC_CHOSEN | LC_FREE |
		   (wanted->redispatch ? LC_REDISPATCH : 0));
}

/**
 * lc_pool_alloc() - add an empty pool
 * @pools: the namespace's; locked
 * @name: the pool's name, or NULL for the pool of a rule with --to
 * @size: how many members to allocate memory for
 *
 * A pool with a name keeps the module loaded.
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the pool, or ERR_PTR().
 */
struct lc_pool *lc_pool_alloc(struct lc_pools *pools, const char *name,
			      unsigned int size)
{
	struct lc_pool *pool;
	int err;

	lockdep_assert_held(&pools->backends->lock);

	pool = kzalloc(sizeof(*pool), lc_mem_gfp());
	if (!pool)
		return ERR_PTR(-ENOMEM);
	err = lc_sched_init(&pool->sched, size);
	if (err) {
		kfree(pool);
		return ERR_PTR(err);
	}
	lc_mem_count_alloc();
	pool->wanted = (struct lc_settings)LC_DEFAULTS;
	apply_settings(pool);
	pool->pools = pools;
	INIT_LIST_HEAD(&pool->members);
	pool->tiers[0].next = &pool->tiers[1];
	timerqueue_init_head(&pool->out);
	timerqueue_init_head(&pool->suspects);
	timerqueue_init(&pool->due);
	INIT_LIST_HEAD(&pool->short_pools);
	if (name) {
		__module_get(THIS_MODULE);
		strscpy(pool->name, name, sizeof(pool->name));
		pools->count++;
		list_add_tail(&pool->list, &pools->named);
		hlist_add_head(&pool->by_name, name_bucket(pools, name));
	} else {
		pool->rule = pools->rules++;
		list_add_tail(&pool->list, &pools->unnamed);
	}
	return pool;
}

/**
 * lc_pool_hide() - hide a pool from changes, or undo that
 * @pool: the pool; locked
 * @gone: true to hide it
 */
void lc_pool_hide(struct lc_pool *pool, bool gone)
{
	if (pool->gone == gone)
		return;
	pool->gone = gone;
	if (!pool->name[0])
		return;
	pool->pools->count += gone ? -1 : 1;
	/* However many a set of changes hides: no search visits them. */
	if (gone)
		hlist_del_init(&pool->by_name);
	else
		hlist_add_head(&pool->by_name, name_bucket(pool->pools, pool->name));
}

static void pool_release(struct lc_pool *pool)
{
	lc_sched_exit(&pool->sched);
	lc_mem_count_free();
	kfree_rcu(pool, rcu);
}

/**
 * lc_pool_free() - delete a pool and its members
 * @pool: the pool; locked. The memory of a pool with a name is freed with the last
 *	rule that uses it. No packet reaches a pool without a name
 *
 * Context: may sleep; also after its namespace has ended.
 */
void lc_pool_free(struct lc_pool *pool)
{
	struct lc_member *member, *next;

	list_for_each_entry_safe(member, next, &pool->members, list) {
		lc_member_del(member);
		cond_resched();
	}
	list_del(&pool->short_pools);
	list_del(&pool->list);
	lc_pool_hide(pool, true);
	if (pool->name[0]) {
		hlist_del_init(&pool->by_name);
		module_put(THIS_MODULE);
	}
	if (!lc_pool_rules(pool))
		pool_release(pool);
}

/**
 * lc_pool_find() - find a pool by its name
 * @pools: the namespace's; locked
 * @name: the name
 *
 * Return: the pool, or NULL.
 */
struct lc_pool *lc_pool_find(struct lc_pools *pools, const char *name)
{
	struct lc_pool *pool;

	lockdep_assert_held(&pools->backends->lock);

	hlist_for_each_entry(pool, name_bucket(pools, name), by_name)
		if (!strcmp(pool->name, name))
			return pool;
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lc_backend_key));
}

/**
 * lc_pool_keys_alloc() - copy the keys of a pool's backends
 * @pools: the namespace's; not locked
 * @name: the name of the pool
 *
 * A search in the copy takes the same time for every backend, without a lock.
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: the keys, which the caller frees by kvfree(), or ERR_PTR(): -ENOENT if there
 *	is no such pool.
 */
struct lc_pool_keys *lc_pool_keys_alloc(struct lc_pools *pools, const char *name)
{
	struct lc_pool_keys *keys = ERR_PTR(-ENOENT);
	const struct lc_member *member;
	struct lc_pool *pool;

	/* Keys are compared as bytes: they must have no padding. */
	BUILD_BUG_ON(sizeof(struct lc_backend_key) != 20);

	mutex_lock(&pools->backends->lock);
	pool = lc_pool_find(pools, name);
	if (pool)
		keys = lc_mem_zalloc(struct_size(keys, keys, pool->n_members)) ?:
		       ERR_PTR(-ENOMEM);
	if (!IS_ERR(keys))
		list_for_each_entry(member, &pool->members, list)
			keys->keys[keys->count++] = member->backend->key;
	mutex_unlock(&pools->backends->lock);
	if (!IS_ERR(keys))
		sort(keys->keys, keys->count, sizeof(keys->keys[0]), compare_keys,
		     NULL);
	return keys;
}

/**
 * lc_pool_keys_have() - is a backend among those of a pool?
 * @keys: from lc_pool_keys_alloc()
 * @key: the backend
 *
 * Context: any.
 * Return: true if it is.
 */
bool lc_pool_keys_have(const struct lc_pool_keys *keys,
		       const struct lc_backend_key *key)
{
	return bsearch(key, keys->keys, keys->count, sizeof(*key), compare_keys);
}

/**
 * lc_pool_is_name() - is a text a valid name of a pool?
 * @text: the text; it need not end with a zero byte
 * @len: its length
 *
 * Return: true if it is.
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
 * lc_pool_rules() - count the rules that use a pool by its name
 * @pool: the pool; locked
 *
 * Return: the number.
 */
unsigned int lc_pool_rules(const struct lc_pool *pool)
{
	return count_other_family(&pool->rule_kinds, NFPROTO_IPV4) +
	       count_other_family(&pool->rule_kinds, NFPROTO_IPV6);
}

/**
 * lc_pool_proto() - the protocol of a pool's backends with a port
 * @pool: the pool; locked
 *
 * Return: the protocol of its backends; without one that of its rules; without one
 *	TCP.
 */
u8 lc_pool_proto(const struct lc_pool *pool)
{
	static const u8 protos[LC_KINDS] = {
		0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP,
		IPPROTO_UDPLITE,
	};
	unsigned int i;

	for (i = 1; i < LC_KINDS; i++)
		if (pool->member_kinds.of[0][i] || pool->member_kinds.of[1][i])
			return protos[i];
	for (i = 1; i < LC_KINDS; i++)
		if (pool->rule_kinds.of[0][i] || pool->rule_kinds.of[1][i])
			return protos[i];
	return IPPROTO_TCP;
}

/**
 * lc_pool_use() - a rule uses a pool by its name
 * @pool: the pool; locked
 * @family: the rule's
 * @proto: the one protocol that the rule matches; 0: several
 *
 * Return: NULL, or why the rule cannot use it.
 */
const char *lc_pool_use(struct lc_pool *pool, u8 family, u8 proto)
{
	/* By lc_kind_index(). */
	static const char * const other_proto[LC_KINDS + 1] = {
		[1] = "its backends have tcp ports, so the rule needs -p tcp",
		[2] = "its backends have udp ports, so the rule needs -p udp",
		[3] = "its backends have sctp ports, so the rule needs -p sctp",
		[4] = "its backends have dccp ports, so the rule needs -p dccp",
		[5] = "its backends have udplite ports, so the rule needs -p udplite",
	};
	const char *reason;

	if (count_other_family(&pool->member_kinds, family))
		return family == NFPROTO_IPV4 ?
		       "its backends are IPv6, use ip6tables" :
		       "its backends are IPv4, use iptables";
	reason = other_proto[find_other_proto(&pool->member_kinds, family,
					      proto, 1)];
	if (reason)
		return reason;
	++*lc_kind(&pool->rule_kinds, family, proto);
	return NULL;
}

/**
 * lc_pool_unuse() - undo lc_pool_use()
 * @pool: the pool; locked
 * @family: as for lc_pool_use()
 * @proto: as for lc_pool_use()
 *
 * Context: may sleep; also after its namespace has ended.
 */
void lc_pool_unuse(struct lc_pool *pool, u8 family, u8 proto)
{
	--*lc_kind(&pool->rule_kinds, family, proto);
	if (pool->gone && !lc_pool_rules(pool))
		pool_release(pool);
}

/**
 * lc_pool_accepts() - can a backend be added to a pool?
 * @pool: the pool; locked
 * @key: the backend
 *
 * Return: NULL, or why it cannot.
 */
const char *lc_pool_accepts(const struct lc_pool *pool,
			    const struct lc_backend_key *key)
{
	/* By lc_kind_index(). */
	static const char * const other_backends[LC_KINDS + 1] = {
		[1] = "the pool's backends are proto tcp",
		[2] = "the pool's backends are proto udp",
		[3] = "the pool's backends are proto sctp",
		[4] = "the pool's backends are proto dccp",
		[5] = "the pool's backends are proto udplite",
	};
	static const char * const other_rules[LC_KINDS + 1] = {
		[0] = "rules without -p use the pool: its backends cannot have a port",
		[1] = "rules with -p tcp use the pool",
		[2] = "rules with -p udp use the pool",
		[3] = "rules with -p sctp use the pool",
		[4] = "rules with -p dccp use the pool",
		[5] = "rules with -p udplite use the pool",
	};
	bool is_ipv4 = key->family == NFPROTO_IPV4;
	unsigned int other;

	if (count_other_family(&pool->member_kinds, key->family))
		return is_ipv4 ? "the pool's backends are IPv6" :
				 "the pool's backends are IPv4";
	if (count_other_family(&pool->rule_kinds, key->family))
		return is_ipv4 ? "IPv6 rules use the pool" :
				 "IPv4 rules use the pool";
	if (!key->proto)
		return NULL;
	other = find_other_proto(&pool->member_kinds, key->family, key->proto, 1);
	if (other < LC_KINDS)
		return other_backends[other];
	return other_rules[find_other_proto(&pool->rule_kinds, key->family,
					    key->proto, 0)];
}

/**
 * lc_pool_update() - put the wanted settings into force
 * @pool: the pool; locked
 *
 * Context: any.
 */
void lc_pool_update(struct lc_pool *pool)
{
	struct lc_member *member;

	apply_settings(pool);
	/* A member that was added and deleted by the same changes is never chosen. */
	list_for_each_entry(member, &pool->members, list)
		if (!member->gone)
			lc_member_update(member);
}

static struct lc_backend *backend_at(const struct lc_sched *sched, int at)
{
	return container_of(sched->tournament.slots[at].conns,
			    struct lc_backend, conns);
}

/*
 * When did the connection try this backend last? Return: a number that is greater for
 * those that it tried later; 0: it has not tried this one; up to LC_DROPS: its client has
 * not reached it, which tells less.
 */
static unsigned int last_tried(const struct lc_tried *tried,
			       const struct lc_backend *backend)
{
	unsigned int last = lc_retry_last(tried->retries, tried->hash, backend);

	return last ? LC_DROPS + last :
		      lc_drops_last(&tried->drops, backend->number, (u32)jiffies);
}

/* A packet that was dropped now and then is no reason to use a backup. */
static bool stays_in_tier(const struct lc_tried *tried,
			  const struct lc_backend *backend, unsigned int last)
{
	return last && last <= LC_DROPS &&
	       !lc_drops_for_long(&tried->drops, backend->number, (u32)jiffies);
}

/* The backend is on trial and has failed this client before: it may have banned it. */
static bool leaves_trial(const struct lc_tried *tried,
			 const struct lc_backend *backend)
{
	return tried->client && atomic_read(&backend->suspected) == LC_AWAITED &&
	       lc_evidence_has_failed(&backend->evidence, tried->client);
}

/**
 * lc_pool_avoids() - should a connection rather go to another backend?
 * @tried: the connection
 * @backend: the backend
 *
 * The connection was taken from the backend, its client has not reached it, or another
 * client decides its trial.
 *
 * Context: any, under rcu_read_lock().
 * Return: true if it should.
 */
bool lc_pool_avoids(const struct lc_tried *tried, const struct lc_backend *backend)
{
	return last_tried(tried, backend) || leaves_trial(tried, backend);
}

/*
 * Return: the index of the best slot that is not avoided. If all are, the one that the
 * connection tried longest ago: it may have been slow only once.
 */
static int choose_untried(struct lc_sched *sched, int best,
			  const struct lc_tried *tried)
{
	unsigned int last, oldest = UINT_MAX, n = 0;
	int at = best, oldest_at = best;
	const struct lc_slot *slots = sched->tournament.slots;
	const struct lc_backend *backend;
	int indexes[LC_MAX_TRIES];
	bool stays = false;

	BUILD_BUG_ON(LC_MAX_TRIES > LC_OTHERS);

	while (at >= 0 && !(stays && slots[at].backup != slots[best].backup)) {
		backend = backend_at(sched, at);
		last = last_tried(tried, backend);
		stays |= stays_in_tier(tried, backend, last);
		if (!last && !leaves_trial(tried, backend))
			return at;
		if (last < oldest) {
			oldest = last;
			oldest_at = at;
		}
		if (n == LC_MAX_TRIES)
			break;
		indexes[n++] = at;
		at = lc_tournament_choose_other(&sched->tournament, indexes, n);
	}
	return oldest_at;
}

/* What it has tried before has an influence on a choice, unless this is the best slot. */
static void mark_choice(struct lc_choice *choice, const struct lc_tried *tried,
			bool best)
{
	if (!best || tried->drops.client)
		choice->origin &= ~LC_FREE;
	if (!best || lc_drops_have_others(&tried->drops, choice->backend->number))
		choice->origin |= LC_LED;
	/* If it has tried all backends, it stays with this one. */
	if (lc_retry_last(tried->retries, tried->hash, choice->backend))
		choice->origin &= ~LC_REDISPATCH;
}

static __always_inline bool choose(struct lc_pool *pool, struct lc_choice *choice,
				   const struct lc_tried *tried)
{
	struct lc_sched *sched = &pool->sched;
	int at, best;
	bool bh;

	bh = lc_packet_lock(&sched->lock);
	if (unlikely(sched->n_ramping))
		lc_sched_advance(sched);
	best = lc_tournament_choose(&sched->tournament);
	at = best;
	if (at >= 0) {
		if (tried)
			at = choose_untried(sched, best, tried);
		choice->backend = backend_at(sched, at);
		if (tried)
			mark_choice(choice, tried, at == best);
		/* Under the lock: see lc_hint_set(). */
		lc_hint_set(choice);
	}
	lc_packet_unlock(&sched->lock, bh);
	return at >= 0;
}

/**
 * lc_pool_choose() - choose the backend for the next connection
 * @pool: the pool
 * @choice: receives the backend, valid until the read section ends; the rest is given
 *
 * Nothing is counted: a connection is counted when it is recorded.
 *
 * Context: any, under rcu_read_lock(); the caller keeps the pool alive.
 * Return: false if no backend can take a connection.
 */
bool lc_pool_choose(struct lc_pool *pool, struct lc_choice *choice)
{
	return choose(pool, choice, NULL);
}

/**
 * lc_pool_choose_untried() - choose a backend that a connection does not avoid
 * @pool: the pool
 * @choice: as for lc_pool_choose(); one that it avoids if there is no other
 * @tried: the connection
 *
 * Context: as lc_pool_choose().
 * Return: as lc_pool_choose().
 */
bool lc_pool_choose_untried(struct lc_pool *pool, struct lc_choice *choice,
			    const struct lc_tried *tried)
{
	return choose(pool, choice, tried);
}

/**
 * lc_pool_take() - choose a certain backend if it can take a connection
 * @pool: the pool
 * @choice: its backend is the one
 *
 * Context: any, under rcu_read_lock(); the caller keeps the pool alive.
 * Return: true if it is in the pool and can.
 */
bool lc_pool_take(struct lc_pool *pool, const struct lc_choice *choice)
{
	struct lc_sched *sched = &pool->sched;
	struct lc_sched_dest *dest;
	bool taken = false;

	hlist_for_each_entry_rcu(dest, &choice->backend->sched_dests, node) {
		if (dest->sched != sched)
			continue;
		spin_lock_bh(&sched->lock);
		taken = dest->has_slot &&
			lc_tournament_take(&sched->tournament, dest->index);
		if (taken)
			lc_hint_set(choice);
		spin_unlock_bh(&sched->lock);
		break;
	}
	return taken;
}
