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

#include "compat.h"
#include "seat.h"

#define LC_STEP		(HZ / 10)
#define LC_ADVANCED	8U	/* seats that one choice advances at most */

/**
 * lc_arena_init() - make an arena where nobody sits
 * @arena: zeroed memory
 * @size: how many seats to begin with
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or -ENOMEM.
 */
int lc_arena_init(struct lc_arena *arena, unsigned int size)
{
	void *memory = kvzalloc(lc_tournament_size(size), GFP_KERNEL_ACCOUNT);

	if (!memory)
		return -ENOMEM;
	spin_lock_init(&arena->lock);
	INIT_LIST_HEAD(&arena->ramping);
	lc_tournament_init(&arena->tournament, memory, size);
	return 0;
}

/**
 * lc_arena_exit() - nobody chooses or sits there any more
 * @arena: the arena
 *
 * Context: may sleep.
 */
void lc_arena_exit(struct lc_arena *arena)
{
	kvfree(arena->tournament.slots);
}

static int grow(struct lc_arena *arena)
{
	unsigned int size = 2 * arena->tournament.width;
	void *memory = kvzalloc(lc_tournament_size(size), GFP_KERNEL_ACCOUNT);

	if (!memory)
		return -ENOMEM;
	spin_lock_bh(&arena->lock);
	memory = lc_tournament_grow(&arena->tournament, memory, size);
	spin_unlock_bh(&arena->lock);
	kvfree(memory);
	return 0;
}

/**
 * lc_arena_reserve() - see to it that there is a free seat
 * @arena: the arena
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or -ENOMEM.
 */
int lc_arena_reserve(struct lc_arena *arena)
{
	const struct lc_tournament *tournament = &arena->tournament;

	while (arena->vacant < tournament->width &&
	       tournament->slots[arena->vacant].active)
		arena->vacant++;
	return arena->vacant < tournament->width ? 0 : grow(arena);
}

/**
 * lc_seat_take() - sit down, to be chosen when there are terms
 * @seat: zeroed memory
 * @arena: where a seat was reserved
 * @active: the load of who sits there
 *
 * Context: any.
 */
void lc_seat_take(struct lc_seat *seat, struct lc_arena *arena,
		  const atomic_t *active)
{
	seat->arena = arena;
	INIT_LIST_HEAD(&seat->ramping);
	seat->at = arena->vacant++;
	spin_lock_bh(&arena->lock);
	lc_tournament_enter(&arena->tournament, seat->at, active);
	seat->taken = true;
	spin_unlock_bh(&arena->lock);
}

/* How far a seat has come in its slow start, as lc_slot has it. */
static u8 ramp_at(const struct lc_ramp *ramp, u64 now)
{
	u64 gone = now - ramp->since;

	if (gone >= ramp->span)
		return 0;
	return max_t(u64, div_u64(gone * 256, ramp->span), 1);
}

static void ramp_begin(struct lc_seat *seat)
{
	if (!list_empty(&seat->ramping))
		return;
	list_add_tail(&seat->ramping, &seat->arena->ramping);
	seat->arena->n_ramping++;
}

static void ramp_end(struct lc_seat *seat)
{
	struct lc_arena *arena = seat->arena;

	if (list_empty(&seat->ramping))
		return;
	list_del_init(&seat->ramping);
	arena->n_ramping--;
	arena->n_behind = min(arena->n_behind, arena->n_ramping);
}

static void seat_advance(struct lc_seat *seat, u64 now)
{
	struct lc_arena *arena = seat->arena;
	struct lc_slot *slot = &arena->tournament.slots[seat->at];
	u8 ramp = ramp_at(&seat->ramp, now);

	list_move_tail(&seat->ramping, &arena->ramping);
	if (ramp != slot->ramp) {
		slot->ramp = ramp;
		lc_tournament_update(&arena->tournament, seat->at);
	}
	if (!ramp)
		ramp_end(seat);
}

/**
 * lc_arena_advance() - let seats that are ramping have what they are due
 * @arena: the arena; the caller holds its lock and is about to choose
 *
 * Context: any.
 */
void lc_arena_advance(struct lc_arena *arena)
{
	u64 now = get_jiffies_64();
	unsigned int most;

	if (!arena->n_behind) {
		if (time_before64(now, arena->next_round))
			return;
		arena->next_round = now + LC_STEP;
		arena->n_behind = arena->n_ramping;
	}
	for (most = LC_ADVANCED; most && arena->n_behind; most--) {
		arena->n_behind--;
		seat_advance(list_first_entry(&arena->ramping, struct lc_seat,
					      ramping), now);
	}
}

/**
 * lc_seat_leave() - undo lc_seat_take()
 * @seat: the seat. Once this has returned nobody chooses it
 *
 * Context: any.
 */
void lc_seat_leave(struct lc_seat *seat)
{
	struct lc_arena *arena = seat->arena;

	spin_lock_bh(&arena->lock);
	ramp_end(seat);
	lc_tournament_leave(&arena->tournament, seat->at);
	seat->taken = false;
	spin_unlock_bh(&arena->lock);
	if (seat->at < arena->vacant)
		arena->vacant = seat->at;
}

/**
 * lc_seat_set() - on what terms it can be chosen from now on
 * @seat: a seat that is taken
 * @terms: the terms
 * @ramp: its slow start
 *
 * Context: any.
 */
void lc_seat_set(struct lc_seat *seat, const struct lc_terms *terms,
		 const struct lc_ramp *ramp)
{
	struct lc_arena *arena = seat->arena;
	struct lc_slot *slot;

	spin_lock_bh(&arena->lock);
	slot = &arena->tournament.slots[seat->at];
	slot->max_conns = terms->max_conns;
	slot->weight = terms->weight;
	slot->backup = terms->backup;
	seat->ramp = *ramp;
	slot->ramp = ramp_at(ramp, get_jiffies_64());
	if (slot->ramp)
		ramp_begin(seat);
	else
		ramp_end(seat);
	lc_tournament_update(&arena->tournament, seat->at);
	spin_unlock_bh(&arena->lock);
}

/**
 * lc_seat_update() - its load has become less
 * @seat: a seat, which may have been left a moment ago
 *
 * Context: any, @seat under RCU.
 */
void lc_seat_update(struct lc_seat *seat)
{
	struct lc_arena *arena = seat->arena;

	spin_lock_bh(&arena->lock);
	if (seat->taken)
		lc_tournament_update(&arena->tournament, seat->at);
	spin_unlock_bh(&arena->lock);
}
