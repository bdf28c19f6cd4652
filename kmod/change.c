// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes to pools and backends, any number of them, all or nothing.
 *
 * Each change is carried out at once where only changes look (members, lists,
 * states, under lc_backends.lock), so that the next one finds what it left, and
 * noted as a step. Packets see none of it yet: seats and memory stay as they
 * were. Then either every step is undone, the last one first, or every step is
 * applied, the first one first, which cannot fail.
 *
 * Other namespaces' commands may have to wait for this one (generic netlink), so
 * the work of one set of changes is bounded: whatever is looked at is charged
 * beforehand. A backend's state, or a pool's settings, has one step however
 * often it is changed.
 */
#include <linux/err.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "change.h"
#include "compat.h"
#include "mem.h"

#define refuse(changes, request, err, fmt, ...) ({			\
	NL_SET_ERR_MSG_ATTR_FMT((changes)->extack, (request)->attr,	\
				fmt, ##__VA_ARGS__);			\
	-(err);								\
})

/**
 * lc_changes_init() - no change yet
 * @changes: to be filled
 * @pools: of the namespace; locked from here to lc_changes_apply() or _undo()
 * @work: how many backends they may look at
 * @extack: where refusals go
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

/* Work to be done: so many backends are looked at. */
static int charge(struct lc_changes *changes, const struct lc_request *request,
		  unsigned int backends)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (backends > changes->most)
		return refuse(changes, request, E2BIG,
			      "this change visits more than %u backends: split it",
			      changes->most);
	if (backends > changes->work)
		return refuse(changes, request, E2BIG,
			      "these changes together visit more than %u backends: send fewer at a time",
			      changes->most);
	changes->work -= backends;
	return 0;
}

/* Before what it is about is done, so that there is no undoing for its want. */
static struct lc_step *step_add(struct lc_changes *changes)
{
	struct lc_step *step = kzalloc(sizeof(*step), lc_mem_gfp());

	if (step)
		list_add_tail(&step->list, &changes->steps);
	return step;
}

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

static struct lc_pool *find_pool(struct lc_changes *changes,
				 const struct lc_request *request)
{
	struct lc_pool *pool = lc_pool_find(changes->pools, request->name);

	if (pool)
		return pool;
	return ERR_PTR(refuse(changes, request, ENOENT, "no pool \"%s\"",
			      request->name));
}

static void set_settings(struct lc_settings *settings,
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

static int pool_add(struct lc_changes *changes,
		    const struct lc_request *request)
{
	struct lc_pools *pools = changes->pools;
	struct lc_step *step;
	struct lc_pool *pool;

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
	set_settings(&pool->wanted, request);
	step->event = LEASTCONN_EVENT_POOL_ADDED;
	step->pool = pool;
	return 0;
}

static int pool_set(struct lc_changes *changes,
		    const struct lc_request *request)
{
	struct lc_pool *pool = find_pool(changes, request);
	struct lc_step *step;

	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	if (!pool->step) {
		/* Its members are told once. */
		err = charge(changes, request, pool->n_members);
		if (err)
			return err;
		step = step_add(changes);
		if (!step)
			return -ENOMEM;
		step->event = LEASTCONN_EVENT_POOL_CHANGED;
		step->pool = pool;
		step->settings = pool->wanted;
		pool->step = step;
	}
	set_settings(&pool->wanted, request);
	return 0;
}

static int pool_del(struct lc_changes *changes,
		    const struct lc_request *request)
{
	struct lc_pool *pool = find_pool(changes, request);
	struct lc_step *step;
	unsigned int rules;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = charge(changes, request, pool->n_members);
	if (err)
		return err;
	rules = lc_pool_rules(pool);
	if (rules)
		return refuse(changes, request, EBUSY,
			      "%u rule%s use%s pool \"%s\"", rules,
			      rules == 1 ? "" : "s", rules == 1 ? "s" : "",
			      pool->name);
	step = step_add(changes);
	if (!step)
		return -ENOMEM;
	step->event = LEASTCONN_EVENT_POOL_DELETED;
	step->pool = pool;
	lc_pool_hide(pool, true);
	return 0;
}

/* The one step that is about this backend's state and connections. */
static struct lc_step *step_backend(struct lc_changes *changes,
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

/* As it was before the changes. */
static void restore_state(struct lc_changes *changes, struct lc_step *step)
{
	struct lc_backend *backend = step->backend;

	lc_backend_set_state(changes->pools->backends, backend, step->state);
	backend->notified_drained = step->notified_drained;
	backend->since = step->since;
}

static void set_state(struct lc_changes *changes, struct lc_step *step,
		      u8 state)
{
	if (state == step->state) {
		restore_state(changes, step);
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

/* A state is a step of its own: it is told apart from terms. */
static int step_state(struct lc_changes *changes,
		      const struct lc_request *request,
		      struct lc_backend *backend)
{
	struct lc_step *step;

	if (backend->state == request->state)
		return 0;
	if (backend->state == LEASTCONN_STATE_READY &&
	    !may_add_unready(changes->pools->backends))
		return refuse(changes, request, ENOSPC,
			      "%u backends are not ready, the maximum",
			      LC_MAX_UNREADY);
	step = step_backend(changes, backend);
	if (!step)
		return -ENOMEM;
	set_state(changes, step, request->state);
	return 0;
}

/* With a member's terms. All members that share the backend are told of it. */
static int member_state(struct lc_changes *changes,
			const struct lc_request *request,
			struct lc_backend *backend)
{
	if (!(request->given & LC_GIVEN_STATE))
		return 0;
	return charge(changes, request, backend->n_sched_dests) ?:
	       step_state(changes, request, backend);
}

/* A backend of the pool is named by its address and port: it has one protocol. */
static struct lc_backend_key full_key(const struct lc_request *request,
				      const struct lc_pool *pool)
{
	struct lc_backend_key key = request->key;

	if (key.port && !(request->given & LC_GIVEN_PROTO))
		key.proto = lc_pool_proto(pool);
	return key;
}

static struct lc_member *find_member(struct lc_changes *changes,
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

static void set_terms(struct lc_terms *terms, const struct lc_request *request)
{
	if (request->given & LC_GIVEN_WEIGHT)
		terms->weight = request->terms.weight;
	if (request->given & LC_GIVEN_MAX_CONNS)
		terms->max_conns = request->terms.max_conns;
	if (request->given & LC_GIVEN_BACKUP)
		terms->backup = request->terms.backup;
}

/* Where a member is looked for: see lc_member_find(). A look is a short one. */
static int charge_find(struct lc_changes *changes,
		       const struct lc_request *request,
		       const struct lc_pool *pool,
		       const struct lc_backend_key *key)
{
	const struct lc_backend *backend;
	unsigned int looks = 0;

	rcu_read_lock();
	backend = lc_backend_find(changes->pools->backends, key);
	if (backend)
		looks = min(pool->n_members, backend->n_sched_dests);
	rcu_read_unlock();
	return charge(changes, request, 1 + looks / 8);
}

static int member_check(struct lc_changes *changes,
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
	if (find_member(changes, pool, key))
		return refuse(changes, request, EEXIST,
			      "pool \"%s\" already has this backend", pool->name);
	if (pool->n_live >= LEASTCONN_MAX_MEMBERS)
		return refuse(changes, request, ENOSPC,
			      "pool \"%s\" already has %u backends, the maximum",
			      pool->name, pool->n_live);
	return 0;
}

static int member_add(struct lc_changes *changes,
		      const struct lc_request *request)
{
	struct lc_pool *pool = find_pool(changes, request);
	struct lc_terms terms = { .weight = 1 };
	struct lc_backend_key key;
	struct lc_member *member;
	struct lc_step *step;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	key = full_key(request, pool);
	err = charge_find(changes, request, pool, &key) ?:
	      member_check(changes, request, pool, &key);
	if (err)
		return err;
	set_terms(&terms, request);
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
	return member_state(changes, request, member->backend);
}

/* The member a request is about, and a step for it. */
static struct lc_step *step_member(struct lc_changes *changes,
				   const struct lc_request *request,
				   enum leastconn_event event)
{
	struct lc_pool *pool = find_pool(changes, request);
	struct lc_backend_key key;
	struct lc_member *member;
	struct lc_step *step;
	int err;

	if (IS_ERR(pool))
		return ERR_CAST(pool);
	key = full_key(request, pool);
	err = charge_find(changes, request, pool, &key);
	if (err)
		return ERR_PTR(err);
	member = find_member(changes, pool, &key);
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

static int member_set(struct lc_changes *changes,
		      const struct lc_request *request)
{
	struct lc_step *step = step_member(changes, request,
					   LEASTCONN_EVENT_CHANGED);

	if (IS_ERR(step))
		return PTR_ERR(step);
	set_terms(&step->member->terms, request);
	return member_state(changes, request, step->backend);
}

static int member_del(struct lc_changes *changes,
		      const struct lc_request *request)
{
	struct lc_step *step = step_member(changes, request,
					   LEASTCONN_EVENT_DELETED);

	if (IS_ERR(step))
		return PTR_ERR(step);
	lc_member_hide(step->member, true);
	if (request->given & LC_GIVEN_KILL)
		step->purge = LC_PURGE_ALL;
	return 0;
}

static int step_kill(struct lc_changes *changes, struct lc_backend *backend)
{
	struct lc_step *step = step_backend(changes, backend);

	if (!step)
		return -ENOMEM;
	step->purge = LC_PURGE_ALL;
	return 0;
}

static int do_backend(struct lc_changes *changes,
		      const struct lc_request *request,
		      struct lc_backend *backend)
{
	return request->op == LEASTCONN_OP_KILL ?
	       step_kill(changes, backend) :
	       step_state(changes, request, backend);
}

/* There is none yet: it appears for the sake of its state. */
static int state_ahead(struct lc_changes *changes,
		       const struct lc_request *request)
{
	struct lc_backends *backends = changes->pools->backends;
	struct lc_backend *backend;
	int err;

	if (!request->key.port != !request->key.proto)
		return refuse(changes, request, EINVAL,
			      "a state set ahead needs both port and protocol, or neither");
	err = charge(changes, request, 1);
	if (err)
		return err;
	backend = lc_backend_user_get(backends, &request->key);
	if (IS_ERR(backend))
		return PTR_ERR(backend);
	err = step_state(changes, request, backend);
	lc_backend_user_put(backends, backend);
	return err;
}

/* Those that only changes before this one still hold are gone already. */
static bool is_known(const struct lc_backend *backend)
{
	const struct lc_member *member;

	if (backend->state != LEASTCONN_STATE_READY)
		return true;
	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (!member->gone && !member->pool->gone)
			return true;
	return false;
}

static int no_backend(struct lc_changes *changes,
		      const struct lc_request *request)
{
	if (request->given & LC_GIVEN_AHEAD)
		return state_ahead(changes, request);
	return refuse(changes, request, ENOENT, "no such backend");
}

/* The one with this key: there may be many of count_other_proto. */
static int one_backend(struct lc_changes *changes,
		       const struct lc_request *request)
{
	struct lc_backend *backend;
	int err;

	/* Known for as long as the lock is held. */
	rcu_read_lock();
	backend = lc_backend_find(changes->pools->backends, &request->key);
	rcu_read_unlock();
	err = charge(changes, request, 1 + (backend ? backend->n_sched_dests : 0));
	if (err)
		return err;
	return backend && is_known(backend) ?
	       do_backend(changes, request, backend) :
	       no_backend(changes, request);
}

static int each_backend(struct lc_changes *changes,
			const struct lc_request *request)
{
	const struct lc_address *address;
	struct lc_backend *backend;
	bool found = false;
	int err;

	if (request->key.port && request->key.proto)
		return one_backend(changes, request);
	address = lc_address_find(changes->pools->backends, &request->key);
	if (!address)
		return no_backend(changes, request);
	list_for_each_entry(backend, &address->backends, siblings) {
		err = charge(changes, request, 1 + backend->n_sched_dests);
		if (err)
			return err;
		if (!lc_backend_matches(backend, &request->key,
					request->given) ||
		    !is_known(backend))
			continue;
		found = true;
		err = do_backend(changes, request, backend);
		if (err)
			return err;
	}
	return found ? 0 : no_backend(changes, request);
}

/**
 * lc_changes_add() - carry out a change where no packet sees it
 * @changes: together with these
 * @request: a request whose fields are good, each for itself
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0, or a negative errno: then all are to be undone.
 */
int lc_changes_add(struct lc_changes *changes,
		   const struct lc_request *request)
{
	switch (request->op) {
	case LEASTCONN_OP_POOL_ADD:
		return pool_add(changes, request);
	case LEASTCONN_OP_POOL_DEL:
		return pool_del(changes, request);
	case LEASTCONN_OP_POOL_SET:
		return pool_set(changes, request);
	case LEASTCONN_OP_ADD:
		return member_add(changes, request);
	case LEASTCONN_OP_SET:
		return member_set(changes, request);
	case LEASTCONN_OP_DEL:
		return member_del(changes, request);
	case LEASTCONN_OP_STATE:
	case LEASTCONN_OP_KILL:
		return each_backend(changes, request);
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
		restore_state(changes, step);
		break;
	}
}

/**
 * lc_changes_undo() - it is as if nothing had been asked for
 * @changes: the changes, of which nothing is left but lc_changes_exit()
 *
 * Context: may sleep.
 */
void lc_changes_undo(struct lc_changes *changes)
{
	struct lc_step *step;

	list_for_each_entry_reverse(step, &changes->steps, list)
		step_undo(changes, step);
}

static void update_all(struct lc_backend *backend)
{
	struct lc_member *member;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (!member->gone)
			lc_member_update(member);
}

/* Which conntrack entries of its backend are to go, now that all is known. */
static enum lc_purge purge_of(const struct lc_step *step)
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
		update_all(step->backend);
		break;
	}
}

static void step_purge(struct lc_changes *changes, const struct lc_step *step)
{
	enum lc_purge purge = step->backend ? purge_of(step) : LC_PURGE_NONE;

	if (purge == LC_PURGE_NONE)
		return;
	changes->purges = true;
	WRITE_ONCE(step->backend->purge,
		   max_t(enum lc_purge, step->backend->purge, purge));
}

/**
 * lc_changes_apply() - let packets see the changes
 * @changes: the changes
 *
 * Pools and members that are gone are freed: only backends can be looked at
 * afterwards.
 *
 * Context: may sleep.
 */
void lc_changes_apply(struct lc_changes *changes)
{
	struct lc_step *step;

	list_for_each_entry(step, &changes->steps, list) {
		step_apply(step);
		step_purge(changes, step);
		cond_resched();
	}
}

/**
 * lc_changes_exit() - let go of what the changes held
 * @changes: applied or undone; the pools are locked
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
			WRITE_ONCE(step->backend->purge, LC_PURGE_NONE);
			step->backend->step = NULL;
			lc_backend_user_put(backends, step->backend);
		}
		step_free(step);
	}
}
