// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of changes to pools and backends: all changes of a set are made, or none.
 *
 * Each change is made at once to data that packets do not read (members, lists and
 * states, under lc_backends.lock), so that the next change of the set sees it. It is
 * recorded as a step. Packets do not see it yet: schedulers are not updated, and
 * nothing that packets can reach is freed. Then either all steps are undone, the last
 * one first, or all steps are applied, the first one first. Applying cannot fail.
 *
 * Commands of other namespaces may have to wait for this one in generic netlink. So
 * the work of a set is bounded: backends and pools are charged before they are visited.
 * However often a set changes the state of a backend, or the settings of a pool, there is
 * one step for it.
 */
#include <linux/err.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "change.h"
#include "compat.h"
#include "healer.h"
#include "mem.h"

#define refuse(changes, request, err, fmt, ...) ({			\
	NL_SET_ERR_MSG_ATTR_FMT((changes)->extack, (request)->attr,	\
				fmt, ##__VA_ARGS__);			\
	-(err);								\
})

/**
 * lc_changes_init() - begin a set of changes
 * @changes: the set, uninitialized
 * @pools: the namespace's; locked from here to the end of lc_changes_apply() or
 *	lc_changes_undo()
 * @work: how many backends the set may visit
 * @extack: receives the reason of a refusal
 *
 * Context: process.
 */
void lc_changes_init(struct lc_changes *changes, struct lc_pools *pools,
		     unsigned int work, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&pools->backends->lock);

	*changes = (struct lc_changes) {
		.pools	= pools,
		.extack	= extack,
		.work	= work,
		.most	= work,
	};
	INIT_LIST_HEAD(&changes->steps);
}

/* Charge for visits of backends that are to be made. */
static int change_charge(struct lc_changes *changes,
			 const struct lc_request *request, unsigned int backends)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (backends > changes->most)
		return refuse(changes, request, E2BIG,
			      "this change visits more than %u backends: name single ones, or delete some",
			      changes->most);
	if (backends > changes->work)
		return refuse(changes, request, E2BIG,
			      "these changes together visit more than %u backends: send fewer at a time",
			      changes->most);
	changes->work -= backends;
	return 0;
}

/* Called before the change is made: without memory nothing has to be undone. */
static struct lc_step *step_add(struct lc_changes *changes)
{
	struct lc_step *step = kzalloc(sizeof(*step), lc_mem_gfp());

	if (step)
		list_add_tail(&step->list, &changes->steps);
	return step;
}

/* lc_changes_exit() puts this user. */
static void step_hold(struct lc_step *step, struct lc_backend *backend)
{
	step->backend = backend;
	backend->users++;
}

static void step_free(struct lc_step *step)
{
	list_del(&step->list);
	kfree(step);
}

static struct lc_pool *change_find_pool(struct lc_changes *changes,
					const struct lc_request *request)
{
	struct lc_pool *pool = lc_pool_find(changes->pools, request->name);

	if (pool)
		return pool;
	return ERR_PTR(refuse(changes, request, ENOENT,
			      "no pool \"%s\": see leastconnctl list",
			      request->name));
}

static void copy_settings(struct lc_settings *settings,
			  const struct lc_request *request)
{
	if (request->given & LC_GIVEN_MAX_FAILS)
		settings->max_fails = request->settings.max_fails;
	if (request->given & LC_GIVEN_FAIL_TIMEOUT)
		settings->fail_timeout = request->settings.fail_timeout;
	if (request->given & LC_GIVEN_SLOW_START)
		settings->slow_start = request->settings.slow_start;
	if (request->given & LC_GIVEN_PERSISTENT)
		settings->persistent = request->settings.persistent;
	if (request->given & LC_GIVEN_PERSISTENT_MASK)
		settings->persistent_mask = request->settings.persistent_mask;
	if (request->given & LC_GIVEN_REDISPATCH)
		settings->redispatch = request->settings.redispatch;
}

static int change_pool_add(struct lc_changes *changes,
			   const struct lc_request *request)
{
	struct lc_pools *pools = changes->pools;
	struct lc_step *step;
	struct lc_pool *pool;
	int err = change_charge(changes, request, 1);

	if (err)
		return err;
	if (lc_pool_find(pools, request->name))
		return refuse(changes, request, EEXIST,
			      "pool \"%s\" already exists", request->name);
	if (pools->count >= LEASTCONN_MAX_POOLS)
		return refuse(changes, request, ENOSPC,
			      "there are already %u pools, the maximum",
			      pools->count);
	step = step_add(changes);
	if (!step)
		return -ENOMEM;
	pool = lc_pool_alloc(pools, request->name, 1);
	if (IS_ERR(pool)) {
		step_free(step);
		return PTR_ERR(pool);
	}
	copy_settings(&pool->wanted, request);
	step->event = LEASTCONN_EVENT_POOL_ADDED;
	step->pool = pool;
	return 0;
}

static int change_pool_set(struct lc_changes *changes,
			   const struct lc_request *request)
{
	struct lc_pool *pool = change_find_pool(changes, request);
	struct lc_step *step;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	/* However often it is changed, its members are updated once. */
	err = change_charge(changes, request,
			    1 + (pool->step ? 0 : pool->n_members));
	if (err)
		return err;
	if (!pool->step) {
		step = step_add(changes);
		if (!step)
			return -ENOMEM;
		step->event = LEASTCONN_EVENT_POOL_CHANGED;
		step->pool = pool;
		step->settings = pool->wanted;
		pool->step = step;
	}
	copy_settings(&pool->wanted, request);
	return 0;
}

static int change_pool_del(struct lc_changes *changes,
			   const struct lc_request *request)
{
	struct lc_pool *pool = change_find_pool(changes, request);
	struct lc_step *step;
	unsigned int rules;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = change_charge(changes, request, 1 + pool->n_members);
	if (err)
		return err;
	rules = lc_pool_rules(pool);
	if (rules)
		return refuse(changes, request, EBUSY,
			      "%u rule%s use%s pool \"%s\": delete %s first", rules,
			      rules == 1 ? "" : "s", rules == 1 ? "s" : "",
			      pool->name, rules == 1 ? "it" : "them");
	step = step_add(changes);
	if (!step)
		return -ENOMEM;
	step->event = LEASTCONN_EVENT_POOL_DELETED;
	step->pool = pool;
	lc_pool_hide(pool, true);
	return 0;
}

/* The set's only step for the state and the connections of a backend. */
static struct lc_step *step_of_backend(struct lc_changes *changes,
				       struct lc_backend *backend)
{
	struct lc_step *step = backend->step;

	if (step)
		return step;
	step = step_add(changes);
	if (!step)
		return NULL;
	step->state = backend->state;
	step->notified_drained = backend->notified_drained;
	step->since = backend->since;
	step_hold(step, backend);
	backend->step = step;
	return step;
}

/* Set the state that the backend had before the set. */
static void step_restore_state(struct lc_changes *changes, struct lc_step *step)
{
	struct lc_backend *backend = step->backend;

	lc_backend_set_state(changes->pools->backends, backend, step->state);
	backend->notified_drained = step->notified_drained;
	backend->since = step->since;
}

static void step_set_state(struct lc_changes *changes, struct lc_step *step,
			   u8 state)
{
	if (state == step->state) {
		step_restore_state(changes, step);
		step->event = 0;
		return;
	}
	lc_backend_set_state(changes->pools->backends, step->backend, state);
	step->event = LEASTCONN_EVENT_STATE;
}

static bool may_add_unready(const struct lc_backends *backends)
{
	return backends->n_unready[0] + backends->n_unready[1] < LC_MAX_UNREADY;
}

/*
 * Ready ends ejections and trials, too, also an ejection by the same set, and forgets what
 * has failed.
 */
static bool backend_is_revived(const struct lc_request *request,
			       const struct lc_backend *backend)
{
	const struct lc_member *member;

	if (request->state != LEASTCONN_STATE_READY)
		return false;
	if (atomic_read(&backend->suspected) ||
	    (backend->step && backend->step->eject))
		return true;
	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (member->health.state != LC_HEALTHY)
			return true;
	return false;
}

/* A state has a step of its own: its event is not that of a member's terms. */
static int change_state(struct lc_changes *changes,
			const struct lc_request *request,
			struct lc_backend *backend)
{
	struct lc_step *step;

	if (backend->state == request->state &&
	    !backend_is_revived(request, backend))
		return 0;
	if (backend->state == LEASTCONN_STATE_READY &&
	    request->state != LEASTCONN_STATE_READY &&
	    !may_add_unready(changes->pools->backends))
		return refuse(changes, request, ENOSPC,
			      "%u backends are not ready, the maximum",
			      LC_MAX_UNREADY);
	step = step_of_backend(changes, backend);
	if (!step)
		return -ENOMEM;
	step->revive = request->state == LEASTCONN_STATE_READY;
	if (step->revive)
		step->eject = false;
	if (backend->state != request->state)
		step_set_state(changes, step, request->state);
	return 0;
}

/* A state that comes with a member's terms updates all members of the backend. */
static int change_member_state(struct lc_changes *changes,
			       const struct lc_request *request,
			       struct lc_backend *backend)
{
	if (!(request->given & LC_GIVEN_STATE))
		return 0;
	return change_charge(changes, request, backend->n_sched_dests) ?:
	       change_state(changes, request, backend);
}

/* In a pool a backend with a port need not give its protocol: the pool has only one. */
static struct lc_backend_key member_key(const struct lc_request *request,
					const struct lc_pool *pool)
{
	struct lc_backend_key key = request->key;

	if (key.port && !(request->given & LC_GIVEN_PROTO))
		key.proto = lc_pool_proto(pool);
	return key;
}

static struct lc_member *change_find_member(struct lc_changes *changes,
					    const struct lc_pool *pool,
					    const struct lc_backend_key *key)
{
	struct lc_member *member = NULL;
	struct lc_backend *backend;

	rcu_read_lock();
	backend = lc_backend_find(changes->pools->backends, key);
	if (backend)
		member = lc_member_find(pool, backend);
	rcu_read_unlock();
	return member;
}

static void copy_terms(struct lc_terms *terms, const struct lc_request *request)
{
	if (request->given & LC_GIVEN_WEIGHT)
		terms->weight = request->terms.weight;
	if (request->given & LC_GIVEN_MAX_CONNS)
		terms->max_conns = request->terms.max_conns;
	if (request->given & LC_GIVEN_BACKUP)
		terms->backup = request->terms.backup;
}

/* lc_member_find() searches the shorter of two lists. Eight entries cost one visit. */
static int change_charge_find(struct lc_changes *changes,
			      const struct lc_request *request,
			      const struct lc_pool *pool,
			      const struct lc_backend_key *key)
{
	const struct lc_backend *backend;
	unsigned int entries = 0;

	rcu_read_lock();
	backend = lc_backend_find(changes->pools->backends, key);
	if (backend)
		entries = min(pool->n_members, backend->n_sched_dests);
	rcu_read_unlock();
	return change_charge(changes, request, 1 + entries / 8);
}

static int change_member_check(struct lc_changes *changes,
			       const struct lc_request *request,
			       const struct lc_pool *pool,
			       const struct lc_backend_key *key)
{
	const char *reason = lc_pool_accepts(pool, key);

	if (reason)
		return refuse(changes, request, EINVAL, "%s", reason);
	if (changes->pools->total >= LC_MAX_TOTAL)
		return refuse(changes, request, ENOSPC,
			      "all pools and rules together have %u backends, the maximum",
			      LC_MAX_TOTAL);
	if (change_find_member(changes, pool, key))
		return refuse(changes, request, EEXIST,
			      "pool \"%s\" already has this backend", pool->name);
	if (pool->n_live >= LEASTCONN_MAX_MEMBERS)
		return refuse(changes, request, ENOSPC,
			      "pool \"%s\" already has %u backends, the maximum",
			      pool->name, pool->n_live);
	return 0;
}

static int change_member_add(struct lc_changes *changes,
			     const struct lc_request *request)
{
	struct lc_pool *pool = change_find_pool(changes, request);
	struct lc_terms terms = { .weight = 1 };
	struct lc_backend_key key;
	struct lc_member *member;
	struct lc_step *step;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	key = member_key(request, pool);
	err = change_charge_find(changes, request, pool, &key) ?:
	      change_member_check(changes, request, pool, &key);
	if (err)
		return err;
	copy_terms(&terms, request);
	step = step_add(changes);
	if (!step)
		return -ENOMEM;
	member = lc_member_add(pool, &key, &terms);
	if (IS_ERR(member)) {
		step_free(step);
		return PTR_ERR(member);
	}
	step->event = LEASTCONN_EVENT_ADDED;
	step->member = member;
	step->pool = pool;
	step_hold(step, member->backend);
	return change_member_state(changes, request, member->backend);
}

/* Find the member that a request names, and add a step for it. */
static struct lc_step *step_add_member(struct lc_changes *changes,
				       const struct lc_request *request,
				       enum leastconn_event event)
{
	struct lc_pool *pool = change_find_pool(changes, request);
	struct lc_backend_key key;
	struct lc_member *member;
	struct lc_step *step;
	int err;

	if (IS_ERR(pool))
		return ERR_CAST(pool);
	key = member_key(request, pool);
	err = change_charge_find(changes, request, pool, &key);
	if (err)
		return ERR_PTR(err);
	member = change_find_member(changes, pool, &key);
	if (!member)
		return ERR_PTR(refuse(changes, request, ENOENT,
				      "pool \"%s\" has no such backend",
				      pool->name));
	step = step_add(changes);
	if (!step)
		return ERR_PTR(-ENOMEM);
	step->event = event;
	step->pool = pool;
	step->member = member;
	step->terms = member->terms;
	step_hold(step, member->backend);
	return step;
}

static int change_member_set(struct lc_changes *changes,
			     const struct lc_request *request)
{
	struct lc_step *step = step_add_member(changes, request,
					       LEASTCONN_EVENT_CHANGED);

	if (IS_ERR(step))
		return PTR_ERR(step);
	copy_terms(&step->member->terms, request);
	return change_member_state(changes, request, step->backend);
}

/* Each connection is looked up: four cost one visit. */
static int change_charge_kill(struct lc_changes *changes,
			      const struct lc_request *request,
			      const struct lc_backend *backend)
{
	int conns = lc_backend_active(backend) + atomic_read(&backend->inactive);

	return change_charge(changes, request, max(conns, 0) / 4);
}

static int change_member_del(struct lc_changes *changes,
			     const struct lc_request *request)
{
	struct lc_step *step = step_add_member(changes, request,
					       LEASTCONN_EVENT_DELETED);

	if (IS_ERR(step))
		return PTR_ERR(step);
	lc_member_hide(step->member, true);
	if (!(request->given & LC_GIVEN_KILL))
		return 0;
	step->purge = LC_PURGE_ALL;
	return change_charge(changes, request, step->backend->n_sched_dests) ?:
	       change_charge_kill(changes, request, step->backend);
}

static int change_kill(struct lc_changes *changes, const struct lc_request *request,
		       struct lc_backend *backend)
{
	struct lc_step *step = step_of_backend(changes, backend);

	if (!step)
		return -ENOMEM;
	if (step->purge == LC_PURGE_ALL)
		return 0;
	step->purge = LC_PURGE_ALL;
	return change_charge_kill(changes, request, backend);
}

/* Nothing is ejected before the set is applied: there is nothing to undo. */
static int change_eject(struct lc_changes *changes,
			const struct lc_request *request,
			struct lc_backend *backend)
{
	struct lc_step *step = step_of_backend(changes, backend);

	if (!step)
		return -ENOMEM;
	step->eject = true;
	step->ejection_time = request->ejection_time;
	return 0;
}

static int change_backend(struct lc_changes *changes,
			  const struct lc_request *request,
			  struct lc_backend *backend)
{
	switch (request->op) {
	case LEASTCONN_OP_KILL:
		return change_kill(changes, request, backend);
	case LEASTCONN_OP_EJECT:
		return change_eject(changes, request, backend);
	default:
		return change_state(changes, request, backend);
	}
}

/* The backend does not exist yet. Add it: its state keeps it. */
static int change_state_ahead(struct lc_changes *changes,
			      const struct lc_request *request)
{
	struct lc_backends *backends = changes->pools->backends;
	struct lc_backend *backend;
	int err;

	if (!request->key.port != !request->key.proto)
		return refuse(changes, request, EINVAL,
			      "a state set ahead needs both port and protocol, or neither");
	/* To allocate one takes much longer than a visit. */
	err = change_charge(changes, request, 2);
	if (err)
		return err;
	backend = lc_backend_user_get(backends, &request->key);
	if (IS_ERR(backend))
		return PTR_ERR(backend);
	err = change_state(changes, request, backend);
	lc_backend_user_put(backends, backend);
	return err;
}

/*
 * Return: false if only earlier steps of the set still use the backend, or if the
 * request is about members, and it is none.
 */
static bool backend_exists(const struct lc_backend *backend,
			   const struct lc_request *request)
{
	const struct lc_member *member;

	if (backend->state != LEASTCONN_STATE_READY &&
	    request->op != LEASTCONN_OP_EJECT)
		return true;
	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (!member->gone && !member->pool->gone)
			return true;
	return false;
}

static int change_no_backend(struct lc_changes *changes,
			     const struct lc_request *request)
{
	if (request->given & LC_GIVEN_AHEAD)
		return change_state_ahead(changes, request);
	if (request->op == LEASTCONN_OP_EJECT)
		return refuse(changes, request, ENOENT,
			      "no pool and no rule has such a backend");
	return refuse(changes, request, ENOENT, "no such backend");
}

/* With a full key the backends of the address, which may be many, are not visited. */
static int change_one_backend(struct lc_changes *changes,
			      const struct lc_request *request)
{
	struct lc_backend *backend;
	int err;

	/* lc_backends.lock keeps the backend after the read section. */
	rcu_read_lock();
	backend = lc_backend_find(changes->pools->backends, &request->key);
	rcu_read_unlock();
	err = change_charge(changes, request,
			    1 + (backend ? backend->n_sched_dests : 0));
	if (err)
		return err;
	return backend && backend_exists(backend, request) ?
	       change_backend(changes, request, backend) :
	       change_no_backend(changes, request);
}

static int change_backends(struct lc_changes *changes,
			   const struct lc_request *request)
{
	const struct lc_address *address;
	struct lc_backend *backend;
	bool found = false;
	int err;

	if (request->key.port && request->key.proto)
		return change_one_backend(changes, request);
	address = lc_address_find(changes->pools->backends, &request->key);
	if (!address)
		return change_no_backend(changes, request);
	list_for_each_entry(backend, &address->backends, siblings) {
		err = change_charge(changes, request, 1 + backend->n_sched_dests);
		if (err)
			return err;
		if (!lc_backend_matches(backend, &request->key,
					request->given) ||
		    !backend_exists(backend, request))
			continue;
		found = true;
		err = change_backend(changes, request, backend);
		if (err)
			return err;
	}
	return found ? 0 : change_no_backend(changes, request);
}

/**
 * lc_changes_add() - add a change to a set; packets do not see it yet
 * @changes: the set
 * @request: a request; each field is valid for itself
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0, or a negative errno: then the caller undoes the set.
 */
int lc_changes_add(struct lc_changes *changes,
		   const struct lc_request *request)
{
	switch (request->op) {
	case LEASTCONN_OP_POOL_ADD:
		return change_pool_add(changes, request);
	case LEASTCONN_OP_POOL_DEL:
		return change_pool_del(changes, request);
	case LEASTCONN_OP_POOL_SET:
		return change_pool_set(changes, request);
	case LEASTCONN_OP_ADD:
		return change_member_add(changes, request);
	case LEASTCONN_OP_SET:
		return change_member_set(changes, request);
	case LEASTCONN_OP_DEL:
		return change_member_del(changes, request);
	case LEASTCONN_OP_STATE:
	case LEASTCONN_OP_KILL:
	case LEASTCONN_OP_EJECT:
		return change_backends(changes, request);
	default:
		return -EINVAL;
	}
}

static void step_undo(struct lc_changes *changes, struct lc_step *step)
{
	switch (step->event) {
	case LEASTCONN_EVENT_POOL_ADDED:
		lc_pool_free(step->pool);
		break;
	case LEASTCONN_EVENT_POOL_DELETED:
		lc_pool_hide(step->pool, false);
		break;
	case LEASTCONN_EVENT_POOL_CHANGED:
		step->pool->wanted = step->settings;
		step->pool->step = NULL;
		break;
	case LEASTCONN_EVENT_ADDED:
		lc_member_del(step->member);
		break;
	case LEASTCONN_EVENT_CHANGED:
		step->member->terms = step->terms;
		break;
	case LEASTCONN_EVENT_DELETED:
		lc_member_hide(step->member, false);
		break;
	case LEASTCONN_EVENT_STATE:
		step_restore_state(changes, step);
		break;
	}
}

/**
 * lc_changes_undo() - undo a set of changes
 * @changes: the set; only lc_changes_exit() may follow
 *
 * Context: may sleep.
 */
void lc_changes_undo(struct lc_changes *changes)
{
	struct lc_step *step;

	list_for_each_entry_reverse(step, &changes->steps, list)
		step_undo(changes, step);
}

static void backend_update_members(struct lc_backend *backend)
{
	struct lc_member *member;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (!member->gone)
			lc_member_update(member);
}

/* Called when the set is applied: the state of the step's backend is final. */
static enum lc_purge step_purge_kind(const struct lc_step *step)
{
	enum lc_purge purge = step->purge;

	if (step->event != LEASTCONN_EVENT_STATE)
		return purge;
	switch (step->backend->state) {
	case LEASTCONN_STATE_DRAIN:
		return max(purge, LC_PURGE_CLOSED);
	case LEASTCONN_STATE_DOWN:
		return max(purge, LC_PURGE_UNANSWERED);
	}
	return purge;
}

static void step_apply(struct lc_step *step)
{
	switch (step->event) {
	case LEASTCONN_EVENT_POOL_CHANGED:
		step->pool->step = NULL;
		fallthrough;
	case LEASTCONN_EVENT_POOL_ADDED:
		lc_pool_update(step->pool);
		break;
	case LEASTCONN_EVENT_POOL_DELETED:
		lc_pool_free(step->pool);
		break;
	case LEASTCONN_EVENT_ADDED:
	case LEASTCONN_EVENT_CHANGED:
		if (!step->member->gone)
			lc_member_update(step->member);
		break;
	case LEASTCONN_EVENT_DELETED:
		lc_member_del(step->member);
		break;
	case LEASTCONN_EVENT_STATE:
		backend_update_members(step->backend);
		break;
	}
}

static bool step_is_deletion(const struct lc_step *step)
{
	return step->event == LEASTCONN_EVENT_POOL_DELETED ||
	       step->event == LEASTCONN_EVENT_DELETED;
}

static void step_revive_or_eject(const struct lc_step *step)
{
	if (step->revive)
		lc_healer_revive(step->backend);
	if (step->eject)
		lc_healer_eject(step->backend, step->ejection_time);
}

static void step_purge(struct lc_changes *changes, const struct lc_step *step)
{
	enum lc_purge purge = step->backend ? step_purge_kind(step) : LC_PURGE_NONE;

	if (purge == LC_PURGE_NONE)
		return;
	changes->purges = true;
	WRITE_ONCE(step->backend->purge,
		   max_t(enum lc_purge, step->backend->purge, purge));
}

/**
 * lc_changes_apply() - let packets see a set of changes
 * @changes: the set
 *
 * Deleted pools and members are freed. After this only the backends of steps may be
 * used.
 *
 * Context: may sleep.
 */
void lc_changes_apply(struct lc_changes *changes)
{
	struct lc_step *step;

	/* Deletions last: what is added instead starts with the health of what it replaces. */
	list_for_each_entry(step, &changes->steps, list) {
		if (!step_is_deletion(step))
			step_apply(step);
		step_revive_or_eject(step);
		step_purge(changes, step);
		cond_resched();
	}
	list_for_each_entry(step, &changes->steps, list) {
		if (step_is_deletion(step))
			step_apply(step);
		cond_resched();
	}
}

/* Its load has fallen: see lc_record_end(). Updates of its schedulers were charged. */
static void end_purge(struct lc_backend *backend)
{
	if (backend->purge == LC_PURGE_NONE)
		return;
	WRITE_ONCE(backend->purge, LC_PURGE_NONE);
	rcu_read_lock();
	lc_backend_update_dests(backend);
	rcu_read_unlock();
	cond_resched();
}

/**
 * lc_changes_exit() - free a set of changes
 * @changes: the set, applied or undone; the pools are locked
 *
 * Context: may sleep.
 */
void lc_changes_exit(struct lc_changes *changes)
{
	struct lc_backends *backends = changes->pools->backends;
	struct lc_step *step, *next;

	lockdep_assert_held(&backends->lock);

	list_for_each_entry_safe(step, next, &changes->steps, list) {
		if (step->backend) {
			end_purge(step->backend);
			step->backend->step = NULL;
			lc_backend_user_put(backends, step->backend);
		}
		step_free(step);
	}
}
