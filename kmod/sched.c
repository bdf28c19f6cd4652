// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seats: who takes part in a tournament while packets play it.
 *
 * Whoever changes seats does so alone: arenas say which lock that is.
 *
 * Slow start has no timer: the choice itself advances the seats that are ramping,
 * some at a time, so a pool that is not used costs nothing. A round goes over all
 * of them; rounds begin LC_STEP apart, or later when there are many seats.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "mem.h"
#include "sched.h"

#define LC_STEP		(HZ / 10)
#define LC_ADVANCED	8U	/* seats that one choice advances at most */

/**
 * lc_sched_init() - make an sched where nobody sits
 * @sched: zeroed memory
 * @size: how many seats to begin with
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
 * lc_sched_exit() - nobody chooses or sits there any more
 * @sched: the sched
 *
 * Context: may sleep.
 */
void lc_sched_exit(struct lc_sched *sched)
{
	kvfree(sched->tournament.slots);
}

static int grow(struct lc_sched *sched)
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
 * lc_sched_reserve() - see to it that there is a free dest
 * @sched: the sched
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or -ENOMEM.
 */
int lc_sched_reserve(struct lc_sched *sched)
{
	const struct lc_tournament *tournament = &sched->tournament;

	while (sched->vacant < tournament->width &&
	       tournament->slots[sched->vacant].active)
		sched->vacant++;
	return sched->vacant < tournament->width ? 0 : grow(sched);
}

/**
 * lc_sched_dest_add() - sit down, to be chosen when there are terms
 * @dest: zeroed memory
 * @sched: where a dest was reserved
 * @active: the load of who sits there
 *
 * Context: any.
 */
void lc_sched_dest_add(struct lc_sched_dest *dest, struct lc_sched *sched,
		       const atomic_t *active)
{
	dest->sched = sched;
	INIT_LIST_HEAD(&dest->ramping);
	dest->at = sched->vacant++;
	spin_lock_bh(&sched->lock);
	lc_tournament_enter(&sched->tournament, dest->at, active);
	dest->taken = true;
	spin_unlock_bh(&sched->lock);
}

/* How far a dest has come in its slow start, as lc_slot has it. */
static u8 ramp_at(const struct lc_ramp *ramp, u64 now)
{
	u64 gone = now - ramp->since;

	if (gone >= ramp->span)
		return 0;
	return max_t(u64, div_u64(gone * 256, ramp->span), 1);
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
	sched->n_behind = min(sched->n_behind, sched->n_ramping);
}

static void ramp_advance(struct lc_sched_dest *dest, u64 now)
{
	struct lc_sched *sched = dest->sched;
	struct lc_slot *slot = &sched->tournament.slots[dest->at];
	u8 ramp = ramp_at(&dest->ramp, now);

	list_move_tail(&dest->ramping, &sched->ramping);
	if (ramp != slot->ramp) {
		slot->ramp = ramp;
		lc_tournament_update(&sched->tournament, dest->at);
	}
	if (!ramp)
		ramp_end(dest);
}

/**
 * lc_sched_advance() - let seats that are ramping have what they are due
 * @sched: the sched; the caller holds its lock and is about to choose
 *
 * Context: any.
 */
void lc_sched_advance(struct lc_sched *sched)
{
	u64 now = get_jiffies_64();
	unsigned int most;

	if (!sched->n_behind) {
		if (time_before64(now, sched->next_round))
			return;
		sched->next_round = now + LC_STEP;
		sched->n_behind = sched->n_ramping;
	}
	for (most = LC_ADVANCED; most && sched->n_behind; most--) {
		sched->n_behind--;
		ramp_advance(list_first_entry(&sched->ramping, struct lc_sched_dest,
					      ramping), now);
	}
}

/**
 * lc_sched_dest_del() - undo lc_sched_dest_add()
 * @dest: the dest. Once this has returned nobody chooses it
 *
 * Context: any.
 */
void lc_sched_dest_del(struct lc_sched_dest *dest)
{
	struct lc_sched *sched = dest->sched;

	spin_lock_bh(&sched->lock);
	ramp_end(dest);
	lc_tournament_leave(&sched->tournament, dest->at);
	dest->taken = false;
	spin_unlock_bh(&sched->lock);
	if (dest->at < sched->vacant)
		sched->vacant = dest->at;
}

/**
 * lc_sched_dest_set() - on what terms it can be chosen from now on
 * @dest: a dest that is taken
 * @terms: the terms
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
	slot = &sched->tournament.slots[dest->at];
	slot->max_conns = terms->max_conns;
	slot->weight = terms->weight;
	slot->backup = terms->backup;
	dest->ramp = *ramp;
	slot->ramp = ramp_at(ramp, get_jiffies_64());
	if (slot->ramp)
		ramp_begin(dest);
	else
		ramp_end(dest);
	lc_tournament_update(&sched->tournament, dest->at);
	spin_unlock_bh(&sched->lock);
}

/**
 * lc_sched_dest_update() - its load has become less
 * @dest: a dest, which may have been left a moment ago
 *
 * Context: any, @dest under RCU.
 */
void lc_sched_dest_update(struct lc_sched_dest *dest)
{
	struct lc_sched *sched = dest->sched;

	spin_lock_bh(&sched->lock);
	if (dest->taken)
		lc_tournament_update(&sched->tournament, dest->at);
	spin_unlock_bh(&sched->lock);
}
