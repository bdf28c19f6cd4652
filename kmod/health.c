// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health: a pool ejects a backend that fails connections.
 *
 * A backend that refuses connections at once never has many, so least connections
 * would give it all new ones.
 *
 * This is a state machine for each backend of a pool. An event is a row; a cell is the
 * state that follows, "." is the same one:
 *
 *	event			healthy		suspect		ejected	trial
 *	------------------------------------------------------------------------------
 *	answered		.		healthy		.	healthy
 *	failed, not failing	.		.		.	-
 *	failing, can be spared	ejected		ejected		.	ejected
 *	failing, cannot be	suspect		.		.	suspect
 *	the tier panics		.		.		suspect	suspect
 *	rest or trial ends	.		.		trial	trial, anew
 *	comes back		.		healthy		healthy	healthy
 *	a command ejects	ejected		ejected		ejected	ejected
 *
 * A backend that fails a connection comes under suspicion. From then on its failed and
 * answered connections are counted, until none has failed for the fail timeout. It is
 * failing
 *
 *   - if max_fails connections have failed within the fail timeout of the first one,
 *     and none was answered since then, or
 *   - if more connections have failed than were answered, out of at least
 *     LC_FEW_JUDGED, and max_fails at least. When there are many, both counts are
 *     halved: older connections weigh less.
 *
 * So a backend that answers 95 of 100 stays, and one that refuses 9 of 10 does not.
 *
 * On trial, each failed connection is failing.
 *
 * A tier can spare a backend if a healthy one is left, and at most half of it is out
 * then, that is ejected or on trial. It can also spare all if the next tier has a healthy
 * backend: ordinary backends can all be out while a backup serves. When the last healthy
 * backend of a tier is failing, the tier panics: those that are out become suspect, and
 * none is ejected until one answers, another healthy one appears, or the next tier can
 * serve. Envoy has the same term for the same idea.
 *
 * A suspect that fails no connection for the fail timeout comes back: a backup that has
 * failed while it served counts as healthy again when it may be needed.
 *
 * The first rest takes the fail timeout. Each rest that begins before the backend has
 * been back for as long as the last one took is twice as long, up to 2^LC_DOUBLINGS
 * times the first one. A trial that nothing decides begins again after a while.
 *
 * There are no packets, connections or locks here: callers serialize the use of a
 * tier and its backends. Each function takes the same time, however many backends
 * there are. This file is also built in user space, for tests.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "health.h"

#define LC_FEW_JUDGED	10U	/* fewer connections do not tell a share */
#define LC_MANY_JUDGED	32U	/* more are halved */

static void set_state(struct lc_health *health, enum lc_health_state state)
{
	if (health->tier) {
		health->tier->n[health->state]--;
		health->tier->n[state]++;
	}
	health->state = state;
}

static void forget(struct lc_health *health)
{
	health->failed = 0;
	health->answered = 0;
	health->has_answered = false;
}

/* Its last rest was long ago: the next one is short again. */
static void shorten_rest(struct lc_health *health, u64 now)
{
	if (!lc_health_is_out(health) && now - health->back > health->rest)
		health->doublings = 0;
}

static void eject(struct lc_health *health, const struct lc_health_rules *rules,
		  u64 now)
{
	shorten_rest(health, now);
	health->rest = rules->fail_timeout << health->doublings;
	if (health->doublings < LC_DOUBLINGS)
		health->doublings++;
	health->until = now + health->rest;
	forget(health);
	set_state(health, LC_EJECTED);
}

static bool can_be_spared(const struct lc_tier *tier)
{
	return !tier || lc_tier_is_backed(tier) ||
	       (!tier->panic && 2 * (lc_tier_out(tier) + 1) <= lc_tier_size(tier));
}

/* Are all others of its tier out or suspect, too, and is there nothing else? */
static bool is_last(const struct lc_health *health)
{
	const struct lc_tier *tier = health->tier;

	return tier && !lc_tier_is_backed(tier) &&
	       tier->n[LC_HEALTHY] == (health->state == LC_HEALTHY);
}

static void set_suspect(struct lc_health *health, const struct lc_health_rules *rules,
			u64 now)
{
	if (lc_health_is_out(health))
		health->back = now;
	health->until = now + rules->fail_timeout;
	set_state(health, LC_SUSPECT);
}

/* Return: true if the tier panics from now on. */
static bool suspect(struct lc_health *health, const struct lc_health_rules *rules,
		    u64 now)
{
	struct lc_tier *tier = health->tier;
	bool panics = is_last(health) && !tier->panic;

	set_suspect(health, rules, now);
	tier->panic |= panics;
	return panics;
}

static bool is_over(const struct lc_health *health,
		    const struct lc_health_rules *rules, u64 since, u64 now)
{
	return (health->failed || health->answered) &&
	       now - since > rules->fail_timeout;
}

static u32 add_up(u32 sum, u32 times)
{
	return min_t(u64, (u64)sum + times, U32_MAX);
}

/* Older connections weigh less when there are many. */
static void fade(struct lc_health *health, const struct lc_health_rules *rules,
		 u32 more)
{
	u64 many = max_t(u64, LC_MANY_JUDGED, 2 * (u64)rules->max_fails);

	while ((health->failed || health->answered) &&
	       (u64)health->failed + health->answered + more > many) {
		health->failed /= 2;
		health->answered /= 2;
	}
}

static void count(struct lc_health *health, const struct lc_health_rules *rules,
		  u32 answered, u32 failed, u64 now)
{
	if (is_over(health, rules, health->last, now) ||
	    (!health->has_answered && is_over(health, rules, health->first, now)))
		forget(health);
	if (!failed && !health->failed && !health->answered)
		return;
	if (failed) {
		if (!health->failed && !health->answered)
			health->first = now;
		health->last = now;
	}
	fade(health, rules, add_up(answered, failed));
	health->failed = add_up(health->failed, failed);
	health->answered = add_up(health->answered, answered);
	health->has_answered |= answered;
}

static bool is_failing(const struct lc_health *health,
		       const struct lc_health_rules *rules)
{
	return health->failed >= rules->max_fails &&
	       (!health->has_answered ||
		(health->failed > health->answered &&
		 (u64)health->failed + health->answered >= LC_FEW_JUDGED));
}

/**
 * lc_health_copy() - start with what another pool knows of the same backend
 * @health: the backend's health; in no tier yet
 * @from: its health in the other pool
 *
 * Context: any.
 */
void lc_health_copy(struct lc_health *health, const struct lc_health *from)
{
	*health = *from;
	health->tier = NULL;
}

/**
 * lc_health_set_tier() - count a backend in another tier
 * @health: the backend's health
 * @tier: the tier; NULL: it takes no connections
 *
 * Context: any.
 */
void lc_health_set_tier(struct lc_health *health, struct lc_tier *tier)
{
	if (health->tier == tier)
		return;
	if (health->tier) {
		health->tier->n[health->state]--;
		if (!lc_tier_size(health->tier))
			health->tier->panic = false;
	}
	health->tier = tier;
	if (!tier)
		return;
	tier->n[health->state]++;
	/* It has not failed: the others need not be used any more. */
	if (health->state == LC_HEALTHY)
		tier->panic = false;
}

/**
 * lc_health_come_back() - use a backend again, whatever it has failed
 * @health: its health
 * @now: jiffies
 *
 * Context: any.
 */
void lc_health_come_back(struct lc_health *health, u64 now)
{
	forget(health);
	if (lc_health_is_out(health))
		health->back = now;
	set_state(health, LC_HEALTHY);
	if (health->tier)
		health->tier->panic = false;
}

/**
 * lc_health_force() - eject a backend by command
 * @health: its health
 * @now: jiffies
 * @until: jiffies when its rest ends
 *
 * Context: any.
 */
void lc_health_force(struct lc_health *health, u64 now, u64 until)
{
	shorten_rest(health, now);
	forget(health);
	health->until = until;
	set_state(health, LC_EJECTED);
}

static void answer(struct lc_health *health, u64 now)
{
	if (health->tier)
		health->tier->panic = false;
	if (health->state == LC_SUSPECT)
		set_state(health, LC_HEALTHY);
	else if (health->state == LC_TRIAL)
		lc_health_come_back(health, now);
}

/**
 * lc_health_judge() - a backend has answered and failed connections
 * @health: its health
 * @rules: the settings of its pool
 * @answered: how many it has answered
 * @failed: how many it has failed; these and the answered ones came in any order
 * @now: jiffies
 *
 * Context: any.
 * Return: true if its tier panics because of this: the caller calls lc_health_panic()
 *	for each backend of the tier that is out.
 */
bool lc_health_judge(struct lc_health *health,
		     const struct lc_health_rules *rules, u32 answered,
		     u32 failed, u64 now)
{
	if (health->state == LC_EJECTED)
		return false;
	if (answered)
		answer(health, now);
	if (health->state == LC_TRIAL) {
		if (failed && is_last(health))
			return suspect(health, rules, now);
		if (failed)
			eject(health, rules, now);
		return false;
	}
	count(health, rules, answered, failed, now);
	if (!failed)
		return false;
	if (health->state == LC_SUSPECT)
		health->until = now + rules->fail_timeout;
	if (!is_failing(health, rules))
		return false;
	if (is_last(health) || !can_be_spared(health->tier))
		return suspect(health, rules, now);
	eject(health, rules, now);
	return false;
}

/**
 * lc_health_panic() - use a backend that is out: no other of its tier answers
 * @health: its health
 * @rules: the settings of its pool
 * @now: jiffies
 *
 * Context: any.
 */
void lc_health_panic(struct lc_health *health,
		     const struct lc_health_rules *rules, u64 now)
{
	forget(health);
	set_suspect(health, rules, now);
}

/**
 * lc_health_end_rest() - the rest of a backend has ended, or its trial has taken long
 * @health: its health; it is out
 * @deadline: jiffies when the trial begins again
 *
 * Context: any.
 */
void lc_health_end_rest(struct lc_health *health, u64 deadline)
{
	set_state(health, LC_TRIAL);
	health->until = deadline;
}

/**
 * lc_health_is_suspected() - would an answer change anything?
 * @health: a backend's
 * @rules: the settings of its pool
 * @now: jiffies
 *
 * Context: any.
 * Return: true if answers must be counted.
 */
bool lc_health_is_suspected(const struct lc_health *health,
			    const struct lc_health_rules *rules, u64 now)
{
	return health->state != LC_HEALTHY ||
	       (health->tier && health->tier->panic) ||
	       ((health->failed || health->answered) &&
		!is_over(health, rules, health->last, now));
}
