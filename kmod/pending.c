// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending choices: a rule has chosen a backend, but the connection is not recorded.
 *
 * Nearly always the processor that has chosen records the connection before it chooses
 * again: see hint.h. If it does not, the choice is pending: the packet was dropped
 * between the rule and conntrack's confirmation, or it is held on the way (NFQUEUE), or
 * another processor handles the rest of its way.
 *
 * A pending choice is a load of its backend, so that a backend that no packet reaches
 * does not look idle. max_conns does not count it. A client whose packet was dropped sends
 * it again, or connects again: it goes to another backend then. The choice decides a trial,
 * as a connection does: no other is chosen for that. But many packets from forged addresses
 * decide none: see decides().
 */
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "backend.h"
#include "mem.h"
#include "pending.h"

#define LC_PENDING_SURE	HZ	/* few packets are held for as long */
#define LC_PENDING_HELD	(9 * HZ / 10) /* after 1 s the client has sent another one */
#define LC_PENDING_NOW	16U	/* pools that packets update at most */
#define LC_PENDING_UPDATES 16384U /* of pools, in a look */
#define LC_PENDING_FEW	8U	/* choices for other backends */

/**
 * struct lc_pending - a pending choice
 * @choice: the choice; holds a reference to the backend. No backend: the place is free
 * @when: low bits of jiffies, when it was added
 * @holds: it takes the place of a trial
 * @ended: it is not counted any more, but the backend's pools are to be updated
 */
struct lc_pending {
	struct lc_choice	choice;
	u32			when;
	bool			holds;
	bool			ended;
};

/**
 * lc_pendings_init() - set up a namespace's pending choices
 * @pendings: zeroed memory
 *
 * Context: any.
 */
void lc_pendings_init(struct lc_pendings *pendings)
{
	spin_lock_init(&pendings->lock);
}

/**
 * lc_pendings_open() - allow choices to be added
 * @pendings: the namespace's
 *
 * Context: may sleep; the memory is charged to the caller. Calls for a namespace are
 *	serialized.
 * Return: 0 or -ENOMEM.
 */
int lc_pendings_open(struct lc_pendings *pendings)
{
	struct lc_pending *choices;

	if (pendings->choices)
		return 0;
	choices = lc_mem_zalloc(LC_PENDING_MAX * (sizeof(*choices) +
						  sizeof(*pendings->drops)));
	if (!choices)
		return -ENOMEM;
	spin_lock_bh(&pendings->lock);
	pendings->choices = choices;
	pendings->drops = (struct lc_drops *)(choices + LC_PENDING_MAX);
	spin_unlock_bh(&pendings->lock);
	return 0;
}

static struct lc_drops *drops_of(const struct lc_pendings *pendings, u32 client)
{
	return &pendings->drops[hash_32(client, LC_PENDING_BITS)];
}

/* Forged packets hide nothing: see lc_pending_add(). */
static void add_drop(struct lc_pendings *pendings, const struct lc_choice *choice,
		     bool known)
{
	unsigned int at = hash_32(choice->client, LC_PENDING_BITS);
	struct lc_drops *drops = &pendings->drops[at];
	u32 now = (u32)jiffies;

	if (!known && test_bit(at, pendings->known) &&
	    drops->client != choice->client &&
	    lc_drops_are_recent(drops, drops->client, now))
		return;
	__assign_bit(at, pendings->known, known);
	lc_drops_add(drops, choice->client, choice->backend->number, now);
}

/* The place is free again. */
static void pending_free(struct lc_pendings *pendings, struct lc_pending *pending)
{
	struct lc_backend *backend = pending->choice.backend;

	pending->choice.backend = NULL;
	WRITE_ONCE(pendings->count, pendings->count - 1);
	lc_backend_put(backend);
}

/*
 * Stop counting a choice. Packets of any namespace may be here, so the pools of a backend
 * that many have are updated by the next look: until then the place is not free.
 */
static void pending_forget(struct lc_pendings *pendings, struct lc_pending *pending)
{
	struct lc_backend *backend = pending->choice.backend;

	if (pending->ended)
		return;
	pending->ended = true;
	lc_backend_count_pending(backend, pending->holds, -1);
	if (READ_ONCE(backend->n_sched_dests) > LC_PENDING_NOW) {
		atomic_set(&backend->outdated, 1);
		return;
	}
	lc_backend_update_dests(backend);
	pending_free(pendings, pending);
}

/* The connection is recorded, or was dropped. */
static void pending_end(struct lc_pendings *pendings, struct lc_pending *pending)
{
	const struct lc_choice *choice = &pending->choice;

	lc_drops_remove(drops_of(pendings, choice->client), choice->client,
			choice->backend->number);
	pending_forget(pendings, pending);
}

/**
 * lc_pendings_close() - the namespace ends: forget all choices
 * @pendings: the namespace's
 *
 * Context: may sleep.
 */
void lc_pendings_close(struct lc_pendings *pendings)
{
	struct lc_pending *choices;
	unsigned int i;

	rcu_read_lock();
	spin_lock_bh(&pendings->lock);
	choices = pendings->choices;
	/* No rule chooses any more: nothing is to be updated. */
	for (i = 0; choices && i < LC_PENDING_MAX; i++) {
		if (!choices[i].choice.backend)
			continue;
		if (!choices[i].ended)
			lc_backend_count_pending(choices[i].choice.backend,
						 choices[i].holds, -1);
		pending_free(pendings, &choices[i]);
	}
	pendings->choices = NULL;
	pendings->drops = NULL;
	spin_unlock_bh(&pendings->lock);
	rcu_read_unlock();
	kvfree(choices);
}

/*
 * Does a choice decide a trial? Choices for clients that no backend has answered do not
 * while many for other backends are pending, too: they may be forged.
 */
static bool decides(const struct lc_pendings *pendings,
		    const struct lc_backend *backend, bool known)
{
	unsigned int own = max(atomic_read(&backend->pending), 0);

	return known || pendings->count < own + LC_PENDING_FEW;
}

/**
 * lc_pending_add() - a connection that a backend was chosen for is not recorded yet
 * @pendings: the namespace's
 * @choice: the choice
 * @known: a backend has answered its client before
 *
 * If its place is taken, the other choice is forgotten. But one that decides a trial is not
 * forgotten for one that does not: forged packets hide nothing.
 *
 * Context: any, under rcu_read_lock().
 * Return: true if it is the only one now: lc_pendings_look() has to be called.
 */
bool lc_pending_add(struct lc_pendings *pendings, const struct lc_choice *choice,
		    bool known)
{
	struct lc_backend *backend = choice->backend;
	struct lc_pending *pending;
	bool first = false, holds;

	spin_lock_bh(&pendings->lock);
	if (!pendings->choices)
		goto unlock;
	holds = decides(pendings, backend, known);
	pending = &pendings->choices[choice->hash % LC_PENDING_MAX];
	if (pending->choice.backend && pending->choice.hash != choice->hash &&
	    pending->holds && !holds)
		goto unlock;
	if (pending->choice.backend)
		pending_forget(pendings, pending);
	if (pending->choice.backend || !lc_backend_get(backend))
		goto unlock;
	*pending = (struct lc_pending) {
		.choice	= *choice,
		.when	= (u32)jiffies,
		.holds	= holds,
	};
	lc_backend_count_pending(backend, holds, 1);
	add_drop(pendings, choice, known);
	first = !pendings->count;
	WRITE_ONCE(pendings->count, pendings->count + 1);
unlock:
	spin_unlock_bh(&pendings->lock);
	return first;
}

/**
 * lc_pendings_find() - which backends has a client not reached?
 * @pendings: the namespace's
 * @client: the client
 * @drops: set; empty if no choice for the client was pending a short time ago
 *
 * Context: any, under rcu_read_lock().
 */
void lc_pendings_find(struct lc_pendings *pendings, u32 client,
		      struct lc_drops *drops)
{
	*drops = (struct lc_drops) { };
	if (!lc_pendings_exist(pendings))
		return;
	spin_lock_bh(&pendings->lock);
	if (pendings->choices &&
	    lc_drops_are_recent(drops_of(pendings, client), client, (u32)jiffies))
		*drops = *drops_of(pendings, client);
	spin_unlock_bh(&pendings->lock);
}

static bool are_in(const u32 *numbers, unsigned int n, u32 number)
{
	while (n--)
		if (numbers[n] == number)
			return true;
	return false;
}

/**
 * lc_pendings_count_others() - how many other backends has a client not reached?
 * @pendings: the namespace's
 * @client: the client
 * @number: lc_backend.number of the one that does not count
 *
 * Context: any.
 * Return: the number, up to %LC_PENDING_OTHERS.
 */
unsigned int lc_pendings_count_others(struct lc_pendings *pendings, u32 client,
				      u32 number)
{
	u32 numbers[1 + LC_PENDING_OTHERS] = { number };
	const struct lc_pending *pending;
	unsigned int i, n = 1;

	spin_lock_bh(&pendings->lock);
	for (i = 0; pendings->choices && i < LC_PENDING_MAX; i++) {
		pending = &pendings->choices[i];
		if (!pending->choice.backend || pending->ended ||
		    pending->choice.client != client ||
		    (u32)jiffies - pending->when < LC_PENDING_SURE ||
		    are_in(numbers, n, pending->choice.backend->number))
			continue;
		if (n > LC_PENDING_OTHERS)
			break;
		numbers[n++] = pending->choice.backend->number;
	}
	spin_unlock_bh(&pendings->lock);
	return n - 1;
}

/**
 * lc_pending_take() - the connection of a choice is recorded next
 * @pendings: the namespace's
 * @hash: of the key of its record
 * @dests: its backends: its client may have been given another one since the choice
 *
 * Context: any, under rcu_read_lock().
 * Return: the marks of LC_ORIGIN for its record; 0: no such choice is pending.
 */
u16 lc_pending_take(struct lc_pendings *pendings, u32 hash,
		    const struct lc_dests *dests)
{
	struct lc_pending *pending;
	u16 origin = 0;

	if (!lc_pendings_exist(pendings))
		return 0;
	spin_lock_bh(&pendings->lock);
	if (!pendings->choices)
		goto unlock;
	pending = &pendings->choices[hash % LC_PENDING_MAX];
	if (pending->choice.backend && !pending->ended &&
	    pending->choice.hash == hash &&
	    (pending->choice.backend == dests->exact ||
	     pending->choice.backend == dests->any_port)) {
		origin = pending->choice.origin;
		if ((u32)jiffies - pending->when < LC_PENDING_HELD)
			lc_backend_arrived(pending->choice.backend, pending->when,
					   origin & LC_FREE);
		pending_end(pendings, pending);
	}
unlock:
	spin_unlock_bh(&pendings->lock);
	return origin;
}

/* Copies the choice in a place, with a reference. Return: false if the place is free. */
static bool pending_get(struct lc_pendings *pendings, unsigned int at,
			struct lc_pending *copy)
{
	bool found = false;

	spin_lock_bh(&pendings->lock);
	if (pendings->choices && pendings->choices[at].choice.backend) {
		*copy = pendings->choices[at];
		lc_backend_hold(copy->choice.backend);
		found = true;
	}
	spin_unlock_bh(&pendings->lock);
	return found;
}

/* Return: the choice that was copied, or NULL if it has gone. */
static struct lc_pending *pending_at(const struct lc_pendings *pendings,
				     unsigned int at, const struct lc_pending *copy)
{
	struct lc_pending *pending;

	if (!pendings->choices)
		return NULL;
	pending = &pendings->choices[at];
	return pending->choice.backend == copy->choice.backend &&
	       pending->choice.hash == copy->choice.hash &&
	       pending->when == copy->when ? pending : NULL;
}

/*
 * End a choice after a look, and update what is to be updated. If that is more than
 * @left pools, the next look does it.
 */
static void pending_put(struct lc_pendings *pendings, unsigned int at,
			const struct lc_pending *copy, unsigned int *left)
{
	struct lc_backend *backend = copy->choice.backend;
	struct lc_pending *pending;
	bool outdated = false;

	spin_lock_bh(&pendings->lock);
	pending = pending_at(pendings, at, copy);
	if (pending && !pending->ended)
		pending_end(pendings, pending);
	/* Its place is not free: see pending_forget(). */
	if (pending && pending->choice.backend && *left) {
		pending_free(pendings, pending);
		outdated = atomic_xchg(&backend->outdated, 0);
	}
	spin_unlock_bh(&pendings->lock);
	if (!outdated)
		return;
	*left -= min(*left, READ_ONCE(backend->n_sched_dests));
	lc_backend_update_dests(backend);
}

/**
 * lc_pendings_look() - look at all pending choices
 * @pendings: the namespace's
 * @look: called for each with @data and its age in jiffies; returns false if it is
 *	forgotten
 * @data: for @look
 *
 * What it takes grows with the pools of the backends; it is bounded.
 *
 * Context: process; the namespace's backends are locked.
 */
void lc_pendings_look(struct lc_pendings *pendings,
		      bool (*look)(void *data, const struct lc_choice *choice,
				   u32 age),
		      void *data)
{
	unsigned int i, left = LC_PENDING_UPDATES;
	struct lc_pending copy;

	for (i = 0; i < LC_PENDING_MAX; i++) {
		cond_resched();
		rcu_read_lock();
		if (pending_get(pendings, i, &copy)) {
			if (copy.ended ||
			    !look(data, &copy.choice, (u32)jiffies - copy.when))
				pending_put(pendings, i, &copy, &left);
			lc_backend_put(copy.choice.backend);
		}
		rcu_read_unlock();
	}
}
