/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HEALTH_H
#define LC_HEALTH_H

#include <linux/types.h>

/** LC_DOUBLINGS - how often the rest of a backend is doubled at most */
#define LC_DOUBLINGS	5

/**
 * enum lc_health_state - what a pool thinks of a backend
 * @LC_HEALTHY: it is used
 * @LC_SUSPECT: it is used, but would be ejected if fewer backends were out
 * @LC_EJECTED: it is not used until its rest ends
 * @LC_TRIAL: its rest has ended: one more connection decides
 * @LC_HEALTH_STATES: how many states there are
 */
enum lc_health_state {
	LC_HEALTHY,
	LC_SUSPECT,
	LC_EJECTED,
	LC_TRIAL,
	LC_HEALTH_STATES,
};

/**
 * struct lc_tier - backends of a pool that replace each other
 * @n: how many are in each state
 * @panic: none of them answers: all are used, and none is ejected
 * @next: the tier that serves when all of this one are out, or NULL
 */
struct lc_tier {
	unsigned int		n[LC_HEALTH_STATES];
	bool			panic;
	const struct lc_tier	*next;
};

/**
 * struct lc_health_rules - the settings of a pool that decide
 * @max_fails: failed connections that eject a backend; not 0
 * @fail_timeout: jiffies in which they count, and of the first rest
 */
struct lc_health_rules {
	u32	max_fails;
	u64	fail_timeout;
};

/**
 * struct lc_health - the health of a backend in a pool
 * @tier: where it is counted; NULL: it takes no connections
 * @state: &enum lc_health_state
 * @doublings: of the next rest
 * @has_answered: it has answered since it came under suspicion, however long ago
 * @failed: connections that failed since the backend came under suspicion
 * @answered: connections that it answered since then
 * @trial_cap: connections that it may have on trial; the caller's alone
 * @first: jiffies of the first failed one
 * @last: jiffies of the last failed one
 * @rest: jiffies that its last rest took
 * @until: jiffies when its rest ends, or its trial begins again; while it is suspect,
 *	when it comes back unless it fails a connection before
 * @back: jiffies when it last came back
 */
struct lc_health {
	struct lc_tier	*tier;
	u8		state;
	u8		doublings;
	bool		has_answered;
	u32		failed;
	u32		answered;
	u32		trial_cap;
	u64		first;
	u64		last;
	u64		rest;
	u64		until;
	u64		back;
};

/**
 * lc_tier_size() - how many backends are in a tier?
 * @tier: the tier
 *
 * Return: the number.
 */
static inline unsigned int lc_tier_size(const struct lc_tier *tier)
{
	return tier->n[LC_HEALTHY] + tier->n[LC_SUSPECT] + tier->n[LC_EJECTED] +
	       tier->n[LC_TRIAL];
}

/**
 * lc_tier_out() - how many backends of a tier are out?
 * @tier: the tier
 *
 * Return: how many are ejected or on trial.
 */
static inline unsigned int lc_tier_out(const struct lc_tier *tier)
{
	return tier->n[LC_EJECTED] + tier->n[LC_TRIAL];
}

/**
 * lc_tier_is_backed() - can another tier serve instead?
 * @tier: the tier
 *
 * Return: true if the next tier has a healthy backend.
 */
static inline bool lc_tier_is_backed(const struct lc_tier *tier)
{
	return tier->next && tier->next->n[LC_HEALTHY];
}

/**
 * lc_tier_is_short() - must backends come back before their rest has ended?
 * @tier: their tier
 *
 * At most half of a tier is out, but all can be while the next tier has a healthy one. A
 * tier may have fewer backends than when the others were ejected.
 *
 * Return: true if some must.
 */
static inline bool lc_tier_is_short(const struct lc_tier *tier)
{
	return !lc_tier_is_backed(tier) &&
	       2 * lc_tier_out(tier) > lc_tier_size(tier);
}

/**
 * lc_health_is_out() - is a backend out?
 * @health: its health
 *
 * Return: true if it is ejected or on trial.
 */
static inline bool lc_health_is_out(const struct lc_health *health)
{
	return health->state == LC_EJECTED || health->state == LC_TRIAL;
}

void lc_health_copy(struct lc_health *health, const struct lc_health *from);
void lc_health_set_tier(struct lc_health *health, struct lc_tier *tier);
bool lc_health_judge(struct lc_health *health,
		     const struct lc_health_rules *rules, u32 answered,
		     u32 failed, u64 now);
void lc_health_end_rest(struct lc_health *health, u64 deadline);
void lc_health_come_back(struct lc_health *health, u64 now);
void lc_health_force(struct lc_health *health, u64 now, u64 until);
void lc_health_panic(struct lc_health *health,
		     const struct lc_health_rules *rules, u64 now);
bool lc_health_is_suspected(const struct lc_health *health,
			    const struct lc_health_rules *rules, u64 now);

#endif /* LC_HEALTH_H */
