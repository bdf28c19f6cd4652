// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending choices: a rule has chosen a backend, but the connection is not recorded.
 *
 * Nearly always the processor that has chosen records the connection before it chooses
 * again: see hint.h. If it does not, the choice is pending: the packet was dropped
 * between the rule and conntrack's confirmation, or it is held on the way (NFQUEUE), or
 * another processor handles the rest of its way.
 *
 * A pending choice is a load of its backend for LC_PENDING_LOADS looks, so that a backend
 * that no packet reaches does not look idle. max_conns does not count it. A client whose
 * packet was dropped sends it again: it goes to another backend then.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "backend.h"
#include "mem.h"
#include "pending.h"

#define LC_PENDING_LOADS	2
#define LC_PENDING_MAX		256U	/* of a namespace */

/**
 * struct lc_pending - a pending choice
 * @choice: the choice; holds a reference to the backend. No backend: the place is free
 * @drops: the backend, and those that were chosen for the connection before
 * @when: low bits of jiffies, when it was added
 * @looks: how often it was looked at
 */
struct lc_pending {
	struct lc_choice	choice;
	struct lc_drops		drops;
	u32			when;
	u8			looks;
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
	choices = lc_mem_zalloc(LC_PENDING_MAX * sizeof(*choices));
	if (!choices)
		return -ENOMEM;
	spin_lock_bh(&pendings->lock);
	pendings->choices = choices;
	spin_unlock_bh(&pendings->lock);
	return 0;
}

static void pending_end(struct lc_pendings *pendings, struct lc_pending *pending)
{
	struct lc_backend *backend = pending->choice.backend;

	if (pending->looks < LC_PENDING_LOADS)
		lc_backend_count_pending(backend, -1);
	pending->choice.backend = NULL;
	WRITE_ONCE(pendings->count, pendings->count - 1);
	lc_backend_put(backend);
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
	for (i = 0; choices && i < LC_PENDING_MAX; i++)
		if (choices[i].choice.backend)
			pending_end(pendings, &choices[i]);
	pendings->choices = NULL;
	spin_unlock_bh(&pendings->lock);
	rcu_read_unlock();
	kvfree(choices);
}

/**
 * lc_pending_add() - a connection that a backend was chosen for is not recorded yet
 * @pendings: the namespace's
 * @choice: the choice
 *
 * If its place is taken, the other choice is forgotten.
 *
 * Context: any, under rcu_read_lock().
 * Return: true if it is the only one now: lc_pendings_look() has to be called.
 */
bool lc_pending_add(struct lc_pendings *pendings, const struct lc_choice *choice)
{
	struct lc_drops drops = { };
	struct lc_pending *pending;
	bool first = false;

	spin_lock_bh(&pendings->lock);
	if (!pendings->choices || !lc_backend_get(choice->backend))
		goto unlock;
	pending = &pendings->choices[choice->hash % LC_PENDING_MAX];
	if (pending->choice.backend) {
		if (pending->choice.hash == choice->hash)
			drops = pending->drops;
		pending_end(pendings, pending);
	}
	memmove(drops.numbers + 1, drops.numbers,
		(LC_DROPS - 1) * sizeof(*drops.numbers));
	drops.numbers[0] = choice->backend->number;
	*pending = (struct lc_pending) {
		.choice	= *choice,
		.drops	= drops,
		.when	= (u32)jiffies,
	};
	lc_backend_count_pending(choice->backend, 1);
	first = !pendings->count;
	WRITE_ONCE(pendings->count, pendings->count + 1);
unlock:
	spin_unlock_bh(&pendings->lock);
	return first;
}

/* Return: the pending choice of a connection, or NULL. */
static struct lc_pending *pending_of(const struct lc_pendings *pendings, u32 hash)
{
	struct lc_pending *pending;

	if (!pendings->choices)
		return NULL;
	pending = &pendings->choices[hash % LC_PENDING_MAX];
	return pending->choice.backend && pending->choice.hash == hash ?
	       pending : NULL;
}

/**
 * lc_pending_find() - where did the packets of a connection not arrive?
 * @pendings: the namespace's
 * @hash: of the key of its record
 * @drops: set; empty if no choice for the connection is pending
 *
 * Context: any, under rcu_read_lock().
 */
void lc_pending_find(struct lc_pendings *pendings, u32 hash,
		     struct lc_drops *drops)
{
	struct lc_pending *pending;

	*drops = (struct lc_drops) { };
	if (!lc_pendings_exist(pendings))
		return;
	spin_lock_bh(&pendings->lock);
	pending = pending_of(pendings, hash);
	if (pending)
		*drops = pending->drops;
	spin_unlock_bh(&pendings->lock);
}

/**
 * lc_pending_take() - the connection of a choice is recorded next
 * @pendings: the namespace's
 * @hash: of the key of its record
 *
 * Context: any, under rcu_read_lock().
 * Return: the marks of LC_ORIGIN for its record; 0: no such choice is pending.
 */
u16 lc_pending_take(struct lc_pendings *pendings, u32 hash)
{
	struct lc_pending *pending;
	u16 origin = 0;

	if (!lc_pendings_exist(pendings))
		return 0;
	spin_lock_bh(&pendings->lock);
	pending = pending_of(pendings, hash);
	if (pending) {
		origin = pending->choice.origin;
		pending_end(pendings, pending);
	}
	spin_unlock_bh(&pendings->lock);
	return origin;
}

static void pending_look(struct lc_pendings *pendings, struct lc_pending *pending,
			 bool (*look)(void *data, const struct lc_choice *choice,
				      u32 age),
			 void *data)
{
	if (!look(data, &pending->choice, (u32)jiffies - pending->when)) {
		pending_end(pendings, pending);
		return;
	}
	if (pending->looks < LC_PENDING_LOADS &&
	    ++pending->looks == LC_PENDING_LOADS)
		lc_backend_count_pending(pending->choice.backend, -1);
}

/**
 * lc_pendings_look() - look at all pending choices
 * @pendings: the namespace's
 * @look: called for each with @data and its age in jiffies, bottom halves off; returns
 *	false if it is forgotten
 * @data: for @look
 *
 * Each under the lock by itself: what it costs grows with the backend's pools.
 *
 * Context: process.
 */
void lc_pendings_look(struct lc_pendings *pendings,
		      bool (*look)(void *data, const struct lc_choice *choice,
				   u32 age),
		      void *data)
{
	unsigned int i;

	for (i = 0; i < LC_PENDING_MAX; i++) {
		rcu_read_lock();
		spin_lock_bh(&pendings->lock);
		if (pendings->choices && pendings->choices[i].choice.backend)
			pending_look(pendings, &pendings->choices[i], look, data);
		spin_unlock_bh(&pendings->lock);
		rcu_read_unlock();
		cond_resched();
	}
}
