// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seats: who takes part in a tournament while packets play it.
 *
 * Whoever changes seats does so alone: arenas say which lock that is.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "seat.h"

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
	seat->at = arena->vacant++;
	spin_lock_bh(&arena->lock);
	lc_tournament_enter(&arena->tournament, seat->at, active);
	seat->taken = true;
	spin_unlock_bh(&arena->lock);
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
 * @ramp: as lc_slot has it
 *
 * Context: any.
 */
void lc_seat_set(struct lc_seat *seat, const struct lc_terms *terms, u8 ramp)
{
	struct lc_arena *arena = seat->arena;
	struct lc_slot *slot;

	spin_lock_bh(&arena->lock);
	slot = &arena->tournament.slots[seat->at];
	slot->max_conns = terms->max_conns;
	slot->weight = terms->weight;
	slot->backup = terms->backup;
	slot->ramp = ramp;
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
