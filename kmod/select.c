// SPDX-License-Identifier: GPL-2.0-only
/*
 * The choice: the slot with the lowest (active + 1) / weight. This is the load per weight
 * that the slot would have with the connection. The input is loads and weights; the
 * output is the index of a slot.
 *
 * A tournament is a tree in which each node names the better one of two slots; the root
 * names the best one. The cost of a choice grows with the logarithm of the number of
 * slots.
 *
 * Ranks are integers, and still exact. Two different fractions a / v and b / w with 16-bit
 * weights differ by at least 1 / (v * w) > 2^-32. So the whole parts of these fractions
 * times 2^32 are different too, and in the same order. Of slots with equal ranks, the one
 * that was chosen longest ago wins: equal slots are chosen in turn.
 *
 * Loads change in many places, but not every change has to be reported. If a load has
 * grown since the rank was computed, the slot is too high in the tree. A choice computes
 * the rank of the best slot again, so such a slot falls when it reaches the top. Therefore
 * a new connection updates only the tree of the pool that chose. If a load has fallen, the
 * slot is too low in the tree and would not be chosen. So after each fall, and when more
 * connections are exempt, lc_tournament_update() must be called. A choice walks up the
 * tree once for the slot that was chosen last, and once for each slot at the top that is
 * too high: at most once for each connection that was not chosen by this tournament. A
 * paced slot that need not wait any more is too low, too, until it is updated.
 *
 * There are no packets, connections or locks here: callers serialize the use of a
 * tournament. Only the loads may change at any time. This file is also built in user
 * space, for tests.
 */
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "select.h"

#define LC_RANK_NONE	(~0ULL)
#define LC_RANK_BACKUP	BIT_ULL(63)
#define LC_RANK_LAST	(LC_RANK_BACKUP - 2)	/* of a slot that can take a connection */

static unsigned int tournament_width(unsigned int count)
{
	unsigned int width = 2;

	while (width < count)
		width *= 2;
	return width;
}

/**
 * lc_tournament_size() - the size of the memory of a tournament
 * @count: how many slots, at most %LC_SLOTS
 *
 * Return: bytes.
 */
size_t lc_tournament_size(unsigned int count)
{
	return tournament_width(count) * (sizeof(struct lc_slot) +
					  2 * sizeof(struct lc_slot *));
}

/**
 * lc_tournament_init() - set up a tournament of free slots
 * @tournament: to be initialized
 * @memory: lc_tournament_size() bytes, zeroed, aligned as u64
 * @count: how many slots, 1 to %LC_SLOTS
 */
void lc_tournament_init(struct lc_tournament *tournament, void *memory,
			unsigned int count)
{
	unsigned int i, width = tournament_width(count);

	*tournament = (struct lc_tournament) {
		.slots		= memory,
		.winners	= memory + width * sizeof(struct lc_slot),
		.width		= width,
		.turn		= width,
	};
	for (i = 0; i < width; i++) {
		tournament->slots[i].rank = LC_RANK_NONE;
		tournament->slots[i].turn = i;
		tournament->winners[width + i] = &tournament->slots[i];
	}
	for (i = width - 1; i; i--)
		tournament->winners[i] = tournament->winners[2 * i];
}

/* A counter can be negative while two updates of it race: then it counts as 0. */
static u32 read_counter(const atomic_t *counter)
{
	int count = atomic_read(counter);

	return count < 0 ? 0 : count;
}

static u32 slot_load(const struct lc_slot *slot)
{
	return read_counter(&slot->conns->active);
}

static bool slot_is_full(const struct lc_slot *slot)
{
	u32 exempt;

	if (!slot->max_conns || slot->load < slot->max_conns)
		return false;
	exempt = read_counter(&slot->conns->exempt);
	if (slot->trial)
		exempt -= min(exempt, read_counter(&slot->conns->held));
	return exempt < slot->load && slot->load - exempt >= slot->max_conns;
}

/*
 * The rank of a slot in slow start. It is less exact than that of a weight, and below the
 * reserved values.
 */
static u64 ramp_rank(u64 rank, u8 ramp)
{
	rank = div_u64(rank, ramp);
	return rank < LC_RANK_LAST / 256 ? rank * 256 : LC_RANK_LAST;
}

/* A backend that fails its connections has few: without this it would be the best slot. */
static bool slot_waits(const struct lc_tournament *tournament,
		       const struct lc_slot *slot)
{
	return slot->paced &&
	       tournament->turn - slot->turn + 1 < tournament->n_used;
}

static void slot_update(const struct lc_tournament *tournament, struct lc_slot *slot)
{
	slot->rank = LC_RANK_NONE;
	if (!slot->weight)
		return;
	slot->load = slot_load(slot);
	if (slot_is_full(slot))
		return;
	slot->rank = div_u64((slot->load + 1ULL) << 32, slot->weight);
	if (unlikely(slot->ramp))
		slot->rank = ramp_rank(slot->rank, slot->ramp);
	if (unlikely(slot_waits(tournament, slot)))
		slot->rank = LC_RANK_LAST;
	if (slot->backup)
		slot->rank |= LC_RANK_BACKUP;
}

/* The winner of the nodes @node and @node + 1. */
static struct lc_slot *pair_winner(const struct lc_tournament *tournament,
				   unsigned int node)
{
	struct lc_slot *a = tournament->winners[node];
	struct lc_slot *b = tournament->winners[node + 1];

	if (a->rank == b->rank)
		return (s32)(b->turn - a->turn) < 0 ? b : a;
	return b->rank < a->rank ? b : a;
}

/* Update the tree after a change of slot @index, from its leaf to the root. */
static __always_inline void tournament_replay(const struct lc_tournament *tournament,
					      unsigned int index)
{
	struct lc_slot **winners = tournament->winners;
	unsigned long node = tournament->width + index;
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

static __always_inline void tournament_update(const struct lc_tournament *tournament,
					      unsigned int index)
{
	slot_update(tournament, &tournament->slots[index]);
	tournament_replay(tournament, index);
}

/**
 * lc_tournament_grow() - move a tournament to memory for more slots
 * @tournament: the tournament
 * @memory: as for lc_tournament_init()
 * @count: how many slots, more than before
 *
 * Return: the memory that it used before.
 */
void *lc_tournament_grow(struct lc_tournament *tournament, void *memory,
			 unsigned int count)
{
	const struct lc_tournament old = *tournament;
	unsigned int i;

	lc_tournament_init(tournament, memory, count);
	tournament->last = old.last;
	tournament->turn = old.turn;
	tournament->n_used = old.n_used;
	memcpy(tournament->slots, old.slots, old.width * sizeof(*old.slots));
	for (i = tournament->width - 1; i; i--)
		tournament->winners[i] = pair_winner(tournament, 2 * i);
	return old.slots;
}

/**
 * lc_tournament_update() - compute the rank of a slot again
 * @tournament: the tournament
 * @index: the slot; its load may have fallen, or its settings have changed
 *
 * Context: any.
 */
void lc_tournament_update(struct lc_tournament *tournament, unsigned int index)
{
	tournament_update(tournament, index);
}

/**
 * lc_tournament_add() - use a free slot
 * @tournament: the tournament
 * @index: the free slot
 * @conns: the connections of its backend
 *
 * The slot takes no connection until it is given a weight. Of slots with equal ranks it
 * is the last one to be chosen.
 */
void lc_tournament_add(struct lc_tournament *tournament, unsigned int index,
		       const struct lc_conns *conns)
{
	struct lc_slot *slot = &tournament->slots[index];

	slot->conns = conns;
	slot->turn = ++tournament->turn;
	tournament->n_used++;
}

/**
 * lc_tournament_del() - undo lc_tournament_add()
 * @tournament: the tournament
 * @index: the slot; its weight is cleared
 */
void lc_tournament_del(struct lc_tournament *tournament, unsigned int index)
{
	struct lc_slot *slot = &tournament->slots[index];

	slot->weight = 0;
	lc_tournament_update(tournament, index);
	slot->conns = NULL;
	tournament->n_used--;
}

/* Return: the best slot; if its rank is LC_RANK_NONE, none can take a connection. */
static __always_inline struct lc_slot *
tournament_best(const struct lc_tournament *tournament)
{
	unsigned int tries = tournament->width;
	unsigned int index = tournament->last;
	struct lc_slot *best;

	do {
		tournament_update(tournament, index);
		best = tournament->winners[1];
		index = best - tournament->slots;
		if (best->rank == LC_RANK_NONE)
			break;
	} while (best->load != slot_load(best) && tries--);
	return best;
}

/**
 * lc_tournament_choose() - choose the slot for the next connection
 * @tournament: the tournament; lc_tournament_update() was called for all its slots
 *
 * Context: any. The caller keeps the loads in memory.
 * Return: the index of the slot, or -1 if none can take a connection.
 */
int lc_tournament_choose(struct lc_tournament *tournament)
{
	struct lc_slot *best = tournament_best(tournament);

	if (best->rank == LC_RANK_NONE)
		return -1;
	best->turn = ++tournament->turn;
	tournament->last = best - tournament->slots;
	return tournament->last;
}

/**
 * lc_tournament_choose_other() - choose another slot than some
 * @tournament: the tournament
 * @indexes: these slots, which can take a connection
 * @n: how many, at most %LC_OTHERS
 *
 * Context: any. The caller keeps the loads in memory.
 * Return: the index of the other slot, or -1 if no other can take a connection.
 */
int lc_tournament_choose_other(struct lc_tournament *tournament,
			       const int *indexes, unsigned int n)
{
	u16 weights[LC_OTHERS];
	unsigned int i;
	int other;

	for (i = 0; i < n; i++) {
		weights[i] = tournament->slots[indexes[i]].weight;
		tournament->slots[indexes[i]].weight = 0;
		lc_tournament_update(tournament, indexes[i]);
	}
	other = lc_tournament_choose(tournament);
	for (i = 0; i < n; i++) {
		tournament->slots[indexes[i]].weight = weights[i];
		lc_tournament_update(tournament, indexes[i]);
	}
	return other;
}

/**
 * lc_tournament_take() - choose this slot if it can take the next connection
 * @tournament: the tournament
 * @index: the slot
 *
 * A backup cannot while an ordinary slot can.
 *
 * Context: any. The caller keeps the loads in memory.
 * Return: true if it can.
 */
bool lc_tournament_take(struct lc_tournament *tournament, unsigned int index)
{
	struct lc_slot *slot = &tournament->slots[index];

	lc_tournament_update(tournament, index);
	if (slot->rank == LC_RANK_NONE ||
	    (slot->backup && !tournament_best(tournament)->backup))
		return false;
	slot->turn = ++tournament->turn;
	tournament->last = index;
	return true;
}
