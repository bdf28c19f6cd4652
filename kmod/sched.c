// SPDX-License-Identifier: GPL-2.0-only
/*
 * Schedulers: tournaments that packets choose from while backends are added and deleted.
 * A dest is the place of a backend in a scheduler.
 *
 * The caller serializes calls that add, change or delete the dests of a scheduler.
 *
 * Slow start has no timer. Each choice advances some of the dests that are ramping, so a
 * pool without traffic costs nothing. A round advances each of them once. Rounds begin
 * LC_RAMP_PERIOD apart, or later if there are many such dests.
 *
 * A dest that is paced is advanced in the same way: if it need not wait any more, it can
 * be chosen. So it is chosen once in a round at most, while others can be.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "mem.h"
#include "sched.h"

#define LC_RAMP_PERIOD	(HZ / 10)
#define LC_RAMP_BATCH	8U	/* dests that one choice advances at most */

/**
 * lc_sched_init() - set up a scheduler without dests
 * @sched: zeroed memory
 * @size: room for dests to begin with
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or -ENOMEM.
 */
int lc_sched_init(struct lc_sched *sched, unsigned int size)
{
	void *memory = lc_mem_zalloc(lc_tournament_size(size));

	if (!memory)
		return -ENOMEM;
	spin_lock_init(&sched->lock);
	INIT_LIST_HEAD(&sched->ramping);
	lc_tournament_init(&sched->tournament, memory, size);
	return 0;
}

/**
 * lc_sched_exit() - undo lc_sched_init()
 * @sched: a scheduler that has no dests, and that nothing uses any more
 *
 * Context: may sleep.
 */
void lc_sched_exit(struct lc_sched *sched)
{
	kvfree(sched->tournament.slots);
}

static int sched_grow(struct lc_sched *sched)
{
	unsigned int size = 2 * sched->tournament.width;
	void *memory = lc_mem_zalloc(lc_tournament_size(size));

	if (!memory)
		return -ENOMEM;
	spin_lock_bh(&sched->lock);
	memory = lc_tournament_grow(&sched->tournament, memory, size);
	spin_unlock_bh(&sched->lock);
	kvfree(memory);
	return 0;
}

/**
 * lc_sched_reserve() - make room for another dest
 * @sched: the scheduler
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or -ENOMEM.
 */
int lc_sched_reserve(struct lc_sched *sched)
{
	const struct lc_tournament *tournament = &sched->tournament;

	while (sched->first_free < tournament->width &&
	       tournament->slots[sched->first_free].conns)
		sched->first_free++;
	return sched->first_free < tournament->width ? 0 : sched_grow(sched);
}

/**
 * lc_sched_dest_add() - add a dest to a scheduler
 * @dest: zeroed memory
 * @sched: the scheduler, after lc_sched_reserve()
 * @conns: the connections of the dest's backend
 *
 * The dest can be chosen after lc_sched_dest_set().
 *
 * Context: any.
 */
void lc_sched_dest_add(struct lc_sched_dest *dest, struct lc_sched *sched,
		       const struct lc_conns *conns)
{
	dest->sched = sched;
	INIT_LIST_HEAD(&dest->ramping);
	dest->index = sched->first_free++;
	spin_lock_bh(&sched->lock);
	lc_tournament_add(&sched->tournament, dest->index, conns);
	dest->has_slot = true;
	spin_unlock_bh(&sched->lock);
}

/* The progress of a slow start, as in lc_slot.ramp. */
static u8 ramp_progress(const struct lc_ramp *ramp, u64 now)
{
	u64 elapsed = now - ramp->since;

	if (elapsed >= ramp->span)
		return 0;
	return max_t(u64, div_u64(elapsed * 256, ramp->span), 1);
}

static void ramp_begin(struct lc_sched_dest *dest)
{
	if (!list_empty(&dest->ramping))
		return;
	list_add_tail(&dest->ramping, &dest->sched->ramping);
	dest->sched->n_ramping++;
}

static void ramp_end(struct lc_sched_dest *dest)
{
	struct lc_sched *sched = dest->sched;

	if (list_empty(&dest->ramping))
		return;
	list_del_init(&dest->ramping);
	sched->n_ramping--;
	sched->n_to_advance = min(sched->n_to_advance, sched->n_ramping);
}

static void ramp_advance(struct lc_sched_dest *dest, u64 now)
{
	struct lc_sched *sched = dest->sched;
	struct lc_slot *slot = &sched->tournament.slots[dest->index];
	u8 ramp = ramp_progress(&dest->ramp, now);

	list_move_tail(&dest->ramping, &sched->ramping);
	if (ramp != slot->ramp || slot->paced) {
		slot->ramp = ramp;
		lc_tournament_update(&sched->tournament, dest->index);
	}
	if (!ramp && !slot->paced)
		ramp_end(dest);
}

/**
 * lc_sched_advance() - advance the slow starts of some dests
 * @sched: the scheduler; locked by the caller, which is about to choose
 *
 * Context: any.
 */
void lc_sched_advance(struct lc_sched *sched)
{
	u64 now = get_jiffies_64();
	unsigned int budget;

	if (!sched->n_to_advance) {
		if (time_before64(now, sched->next_round))
			return;
		sched->next_round = now + LC_RAMP_PERIOD;
		sched->n_to_advance = sched->n_ramping;
	}
	for (budget = LC_RAMP_BATCH; budget && sched->n_to_advance; budget--) {
		sched->n_to_advance--;
		ramp_advance(list_first_entry(&sched->ramping, struct lc_sched_dest,
					      ramping), now);
	}
}

/**
 * lc_sched_dest_del() - undo lc_sched_dest_add()
 * @dest: the dest; it is not chosen any more after this
 *
 * Context: any.
 */
void lc_sched_dest_del(struct lc_sched_dest *dest)
{
	struct lc_sched *sched = dest->sched;

	spin_lock_bh(&sched->lock);
	ramp_end(dest);
	lc_tournament_del(&sched->tournament, dest->index);
	dest->has_slot = false;
	spin_unlock_bh(&sched->lock);
	if (dest->index < sched->first_free)
		sched->first_free = dest->index;
}

/**
 * lc_sched_dest_set() - set the settings of a dest
 * @dest: a dest that has been added
 * @terms: the settings
 * @ramp: its slow start
 *
 * Context: any.
 */
void lc_sched_dest_set(struct lc_sched_dest *dest, const struct lc_terms *terms,
		       const struct lc_ramp *ramp)
{
	struct lc_sched *sched = dest->sched;
	struct lc_slot *slot;

	spin_lock_bh(&sched->lock);
	slot = &sched->tournament.slots[dest->index];
	slot->max_conns = terms->max_conns;
	slot->weight = terms->weight;
	slot->backup = terms->backup;
	slot->trial = terms->trial;
	slot->paced = terms->paced;
	dest->ramp = *ramp;
	slot->ramp = ramp_progress(ramp, get_jiffies_64());
	if (slot->ramp || slot->paced)
		ramp_begin(dest);
	else
		ramp_end(dest);
	lc_tournament_update(&sched->tournament, dest->index);
	spin_unlock_bh(&sched->lock);
}

/**
 * lc_sched_dest_update() - update a scheduler after a load has fallen
 * @dest: a dest with this load; it may have been deleted a moment ago
 *
 * Context: any, @dest under RCU.
 */
void lc_sched_dest_update(struct lc_sched_dest *dest)
{
	struct lc_sched *sched = dest->sched;

	spin_lock_bh(&sched->lock);
	if (dest->has_slot)
		lc_tournament_update(&sched->tournament, dest->index);
	spin_unlock_bh(&sched->lock);
}
