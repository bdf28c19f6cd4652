// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice: the slot with the least (active + 1) / weight, the load it would
 * have with the connection. Loads and weights in, index out.
 *
 * A tournament: a tree in which each node names the better one of two, up to the
 * best of all. Its cost grows with the logarithm of the number of slots.
 *
 * Ranks are integers. Two different fractions a / v and b / w of 16-bit weights
 * are at least 1 / (v * w) > 2^-32 apart, so the whole parts of their products
 * with 2^32 differ, and in the same direction: comparing these is comparing the
 * fractions. Among equals the one whose turn is longest past wins, so that ties
 * go round.
 *
 * Loads change in many places, but only some changes must be told. A slot whose
 * load has grown since it was looked at unchanged too high: it is looked at again
 * when it is on top, and falls. So a new connection touches no tree but that of
 * the pool which chose. A slot whose load has become less unchanged too low and
 * would be passed over: whoever lessens a load calls lc_tournament_update(). A
 * choice takes one walk up the tree for whoever was chosen last, and one for each
 * slot found on top with a larger load: at most one for each connection that came
 * another way.
 *
 * No packet, no connection, no lock: callers take turns at a tournament. Only the
 * loads change under it. This file is also built in user space.
 */
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "select.h"

#define LC_NO_RANK	(~0ULL)
#define LC_BACKUP	BIT_ULL(63)

static unsigned int leaves(unsigned int count)
{
	unsigned int width = 2;

	while (width < count)
		width *= 2;
	return width;
}

/**
 * lc_tournament_size() - memory that a tournament takes
 * @count: slots, at most %LC_SLOTS
 *
 * Return: bytes.
 */
size_t lc_tournament_size(unsigned int count)
{
	return leaves(count) * (sizeof(struct lc_slot) +
				2 * sizeof(struct lc_slot *));
}

/**
 * lc_tournament_init() - make a tournament of slots that can take nothing yet
 * @tournament: to be filled
 * @memory: lc_tournament_size() bytes for it, zero, aligned as u64
 * @count: how many slots, 1 to %LC_SLOTS
 */
void lc_tournament_init(struct lc_tournament *tournament, void *memory,
			unsigned int count)
{
	unsigned int i, width = leaves(count);

	*tournament = (struct lc_tournament) {
		.slots		= memory,
		.winners	= memory + width * sizeof(struct lc_slot),
		.width		= width,
		.turn		= width,
	};
	for (i = 0; i < width; i++) {
		tournament->slots[i].rank = LC_NO_RANK;
		tournament->slots[i].turn = i;
		tournament->winners[width + i] = &tournament->slots[i];
	}
	for (i = width - 1; i; i--)
		tournament->winners[i] = tournament->winners[2 * i];
}

/* A load that reads below zero is a race of two counters' updates: idle. */
static u32 load_of(const struct lc_slot *slot)
{
	int active = atomic_read(slot->active);

	return active < 0 ? 0 : active;
}

/* Not as exact as a weight; less than what is reserved. */
static u64 ramped(u64 rank, u8 ramp)
{
	const u64 most = LC_BACKUP - 2;

	rank = div_u64(rank, ramp);
	return rank < most / 256 ? rank * 256 : most;
}

static void look_at(struct lc_slot *slot)
{
	slot->rank = LC_NO_RANK;
	if (!slot->weight)
		return;
	slot->load = load_of(slot);
	if (slot->max_conns && slot->load >= slot->max_conns)
		return;
	slot->rank = div_u64((slot->load + 1ULL) << 32, slot->weight);
	if (unlikely(slot->ramp))
		slot->rank = ramped(slot->rank, slot->ramp);
	if (slot->backup)
		slot->rank |= LC_BACKUP;
}

/* Of the node @at and the next one. */
static struct lc_slot *winner(const struct lc_tournament *tournament,
			      unsigned int at)
{
	struct lc_slot *a = tournament->winners[at];
	struct lc_slot *b = tournament->winners[at + 1];

	if (a->rank == b->rank)
		return (s32)(b->turn - a->turn) < 0 ? b : a;
	return b->rank < a->rank ? b : a;
}

/* From its leaf up: who wins each pair that @at is in, now that it has changed. */
static __always_inline void replay(const struct lc_tournament *tournament,
				   unsigned int at)
{
	struct lc_slot **winners = tournament->winners;
	unsigned long node = tournament->width + at;
	struct lc_slot *best = winners[node];
	u64 rank = best->rank;
	u32 turn = best->turn;

	do {
		struct lc_slot *rival = winners[node ^= 1];

		node /= 2;
		if (rival->rank == rank) {
			if ((s32)(rival->turn - turn) < 0) {
				best = rival;
				turn = rival->turn;
			}
		} else if (rival->rank < rank) {
			best = rival;
			rank = rival->rank;
			turn = rival->turn;
		}
		winners[node] = best;
	} while (node != 1);
}

static __always_inline void update(const struct lc_tournament *tournament,
				   unsigned int at)
{
	look_at(&tournament->slots[at]);
	replay(tournament, at);
}

/**
 * lc_tournament_grow() - the same tournament with more slots
 * @tournament: the tournament
 * @memory: as for lc_tournament_init(), of a larger @count
 * @count: how many slots
 *
 * Return: the memory it had before.
 */
void *lc_tournament_grow(struct lc_tournament *tournament, void *memory,
			 unsigned int count)
{
	const struct lc_tournament old = *tournament;
	unsigned int i;

	lc_tournament_init(tournament, memory, count);
	tournament->last = old.last;
	tournament->turn = old.turn;
	memcpy(tournament->slots, old.slots, old.width * sizeof(*old.slots));
	for (i = tournament->width - 1; i; i--)
		tournament->winners[i] = winner(tournament, 2 * i);
	return old.slots;
}

/**
 * lc_tournament_update() - look at a slot again
 * @tournament: the tournament
 * @at: the slot: its load may have become less, or its terms have changed
 *
 * Context: any.
 */
void lc_tournament_update(struct lc_tournament *tournament, unsigned int at)
{
	update(tournament, at);
}

/**
 * lc_tournament_enter() - a slot has a load from now on
 * @tournament: the tournament
 * @at: a slot without one
 * @active: its load
 *
 * It can take nothing until it is given a weight, and goes last among equals.
 */
void lc_tournament_enter(struct lc_tournament *tournament, unsigned int at,
			 const atomic_t *active)
{
	struct lc_slot *slot = &tournament->slots[at];

	slot->active = active;
	slot->turn = ++tournament->turn;
}

/**
 * lc_tournament_leave() - undo lc_tournament_enter()
 * @tournament: the tournament
 * @at: the slot, and its weight
 */
void lc_tournament_leave(struct lc_tournament *tournament, unsigned int at)
{
	struct lc_slot *slot = &tournament->slots[at];

	slot->weight = 0;
	lc_tournament_update(tournament, at);
	slot->active = NULL;
}

/**
 * lc_tournament_choose() - the slot that takes the next connection
 * @tournament: the tournament; its slots have been looked at
 *
 * Context: any. The caller keeps the counters alive.
 * Return: an index into the slots, or -1 when none can take a connection.
 */
int lc_tournament_choose(struct lc_tournament *tournament)
{
	unsigned int left = tournament->width;
	unsigned int at = tournament->last;
	struct lc_slot *best;

	do {
		update(tournament, at);
		best = tournament->winners[1];
		at = best - tournament->slots;
		if (best->rank == LC_NO_RANK)
			return -1;
	} while (best->load != load_of(best) && left--);
	best->turn = ++tournament->turn;
	tournament->last = at;
	return at;
}

/**
 * lc_tournament_choose_other() - anyone but this slot, if there is anyone
 * @tournament: the tournament
 * @at: the slot that was chosen just now
 *
 * Context: any. The caller keeps the counters alive.
 * Return: an index into the slots.
 */
int lc_tournament_choose_other(struct lc_tournament *tournament,
			       unsigned int at)
{
	struct lc_slot *slot = &tournament->slots[at];
	const u16 weight = slot->weight;
	int other;

	slot->weight = 0;
	other = lc_tournament_choose(tournament);
	slot->weight = weight;
	lc_tournament_update(tournament, at);
	return other < 0 ? (int)at : other;
}

/**
 * lc_tournament_take() - this slot takes the next connection, if it can
 * @tournament: the tournament
 * @at: the slot
 *
 * A backup cannot as long as there is an ordinary slot that can.
 *
 * Context: any. The caller keeps the counters alive.
 * Return: whether it does.
 */
bool lc_tournament_take(struct lc_tournament *tournament, unsigned int at)
{
	struct lc_slot *slot = &tournament->slots[at];
	const struct lc_slot *best;

	lc_tournament_update(tournament, tournament->last);
	lc_tournament_update(tournament, at);
	best = tournament->winners[1];
	if (slot->rank == LC_NO_RANK || (slot->backup && !best->backup))
		return false;
	slot->turn = ++tournament->turn;
	tournament->last = at;
	return true;
}
