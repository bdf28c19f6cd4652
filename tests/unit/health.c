// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health and evidence in user space: each state with each event, and random
 * histories against a model that follows the words of the manual. The model keeps a
 * log of all judged connections with their times and counts from it anew each time.
 *
 * "health shares" prints how often backends are ejected that fail some of their
 * connections, "health history N" prints a random history.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <linux/jiffies.h>

#include "../../kmod/evidence.h"
#include "../../kmod/health.h"
#include "../dice.h"
#include "../ktap.h"

/* ---- the model of health ---- */

#define BACKENDS	8
#define TIERS		2
#define STEPS		60
#define LOG		100
#define NO_TIER		(-1)

/* What was judged at once. */
struct batch {
	u64	when;
	u32	answered;
	u32	failed;
};

struct model {
	int			tier;
	enum lc_health_state	state;
	unsigned int		n_log;
	unsigned int		fresh;	/* The log before this one is settled. */
	u64			until;
	u64			rest;
	u64			back;
	unsigned int		times;	/* the last rest, in single ones */
	struct batch		log[LOG];
};

static struct model models[BACKENDS];
static bool model_panic[TIERS];
static bool has_backups;	/* Tier 1 serves when all of tier 0 are out. */
static unsigned int n_backends;
static struct lc_health_rules rules;

static bool model_is_out(const struct model *model)
{
	return model->state == LC_EJECTED || model->state == LC_TRIAL;
}

static unsigned int model_count(int tier, enum lc_health_state state)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < n_backends; i++)
		count += models[i].tier == tier && models[i].state == state;
	return count;
}

static unsigned int model_size(int tier)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < n_backends; i++)
		count += models[i].tier == tier;
	return count;
}

static unsigned int model_out(int tier)
{
	return model_count(tier, LC_EJECTED) + model_count(tier, LC_TRIAL);
}

/* What the log says of a backend. */
struct count {
	bool	is_open;	/* A failure is remembered. */
	u64	first;
	u64	last;
	bool	has_answered;	/* since the first failure */
	u64	failed;
	u64	answered;
};

/*
 * "out of the last 16 to 32": of more, the older ones are halved until the new ones fit.
 * All of a batch are new: they came in any order.
 */
static void count_batch(struct count *count, const struct batch *batch)
{
	u64 limit = rules.max_fails > 16 ? 2 * (u64)rules.max_fails : 32;
	u64 more = (u64)batch->answered + batch->failed;

	while (count->failed + count->answered + more > limit &&
	       (count->answered || count->failed)) {
		count->failed /= 2;
		count->answered /= 2;
	}
	count->failed += batch->failed;
	count->answered += batch->answered;
	count->has_answered |= batch->answered > 0;
}

/*
 * "They must fail within the fail timeout of the first failure; after that, counting
 * starts again."
 * "If no connection has failed for the fail timeout, earlier failures are forgotten."
 */
static bool is_closed(const struct count *count, u64 now)
{
	return now - count->last > rules.fail_timeout ||
	       (!count->has_answered && now - count->first > rules.fail_timeout);
}

static struct count count_log(const struct model *model)
{
	struct count count = {};

	for (unsigned int i = model->fresh; i < model->n_log; i++) {
		const struct batch *batch = &model->log[i];

		if (count.is_open && is_closed(&count, batch->when))
			count = (struct count){};
		if (!count.is_open && !batch->failed)
			continue;
		if (!count.is_open)
			count.first = batch->when;
		count.is_open = true;
		if (batch->failed)
			count.last = batch->when;
		count_batch(&count, batch);
	}
	return count;
}

/*
 * "Once it has answered a connection after a failed one, it is ejected only if it fails
 * more connections than it answers (at least 10, and at least N failed)"
 */
static bool model_is_guilty(const struct model *model)
{
	struct count count = count_log(model);

	if (count.failed < rules.max_fails)
		return false;
	return !count.has_answered ||
	       (count.failed > count.answered && count.failed + count.answered >= 10);
}

/* "All ordinary backends can be out while a backup serves." */
static bool model_is_backed(int tier)
{
	return tier == 0 && has_backups && model_count(1, LC_HEALTHY);
}

/* "If all are ejected or suspect, the tier panics": then none is ejected for it. */
static bool model_is_last(const struct model *model)
{
	return model->tier != NO_TIER && !model_is_backed(model->tier) &&
	       model_count(model->tier, LC_HEALTHY) == (model->state == LC_HEALTHY);
}

/* "At most half"; without a tier there is no limit. A trial is out already. */
static bool model_can_spare(const struct model *model)
{
	unsigned int out;

	if (model->tier == NO_TIER || model_is_backed(model->tier))
		return true;
	if (model_is_last(model) || model->state == LC_TRIAL)
		return !model_is_last(model);
	out = model_out(model->tier) - model_is_out(model);
	return !model_panic[model->tier] && 2 * (out + 1) <= model_size(model->tier);
}

/*
 * "each time twice as long, up to 32 times the fail timeout", and "Each rest that begins
 * before the backend has been back for as long as the last one took"
 */
static void model_eject(struct model *model, u64 now)
{
	if (!model->times ||
	    (!model_is_out(model) && now - model->back > model->rest))
		model->times = 1;
	else if (model->times < 32)
		model->times *= 2;
	model->rest = model->times * rules.fail_timeout;
	model->until = now + model->rest;
	model->state = LC_EJECTED;
	model->fresh = model->n_log;
}

static void model_come_back(struct model *model, u64 now)
{
	if (model_is_out(model))
		model->back = now;
	model->state = LC_HEALTHY;
	model->fresh = model->n_log;
	if (model->tier != NO_TIER)
		model_panic[model->tier] = false;
}

/* "it is healthy again when it has failed none for the fail timeout" */
static void model_suspect(struct model *model, u64 now)
{
	if (model_is_out(model)) {
		model->back = now;
		model->fresh = model->n_log;
		model->until = now + rules.fail_timeout;
	}
	model->state = LC_SUSPECT;
}

/* "all are used (those that were ejected become suspect)" */
static bool model_may_panic(int tier, u64 now)
{
	if (tier == NO_TIER || model_panic[tier] || model_is_backed(tier) ||
	    model_count(tier, LC_HEALTHY))
		return false;
	model_panic[tier] = true;
	for (unsigned int i = 0; i < n_backends; i++)
		if (models[i].tier == tier)
			model_suspect(&models[i], now);
	return true;
}

/* The row of the table, see below. */
enum row {
	ANSWERED,
	FAILED,
	SPARED,
	NOT_SPARED,
	PANICS,
	REST_ENDS,
	COMES_BACK,
	FORCED,
	ROWS,
};

static enum row model_row;

static enum row row_of_failing(const struct model *model, bool is_failing)
{
	if (!is_failing && model->state != LC_TRIAL)
		return FAILED;
	return model_can_spare(model) ? SPARED : NOT_SPARED;
}

static void model_answered(struct model *model, u64 now)
{
	if (model->tier != NO_TIER)
		model_panic[model->tier] = false;
	if (model->state == LC_SUSPECT)
		model->state = LC_HEALTHY;
	if (model->state == LC_TRIAL)
		model_come_back(model, now);
}

/* Return: true if the tier panics. */
static bool model_judge(struct model *model, u32 answered, u32 failed, u64 now)
{
	bool guilty = failed >= rules.max_fails;

	model_row = row_of_failing(model, guilty);
	if (model->state == LC_EJECTED)
		return false;
	if (answered)
		model_answered(model, now);
	if (model->state != LC_TRIAL) {
		model->log[model->n_log++] = (struct batch){ now, answered, failed };
		guilty = failed && model_is_guilty(model);
		model_row = row_of_failing(model, guilty);
	} else {
		guilty = failed;
	}
	if (failed)
		model->until = now + rules.fail_timeout;
	if (!guilty)
		return false;
	/* "If not, it is ejected again" */
	if (model_can_spare(model))
		model_eject(model, now);
	else
		model_suspect(model, now);
	return model_may_panic(model->tier, now);
}

/* "leastconnctl eject" */
static void model_force(struct model *model, u64 until, u64 now)
{
	if (!model_is_out(model) && now - model->back > model->rest)
		model->times = 0;
	model->state = LC_EJECTED;
	model->until = until;
	model->fresh = model->n_log;
}

static void model_end_rest(struct model *model, u64 deadline)
{
	model->state = LC_TRIAL;
	model->until = deadline;
}

/* ---- the model of evidence ---- */

#define SIGHTINGS	200

struct sighting {
	u32	client;
	u64	when;
};

struct evidence_model {
	struct sighting	answers[SIGHTINGS];
	unsigned int	n_answers;
	struct sighting	counted[SIGHTINGS];
	unsigned int	n_counted;
	u16		ports[SIGHTINGS];
	unsigned int	n_ports;
};

static struct evidence_model clues;

/* "While a backend answers other clients (within the span)" */
static bool answers_others(u32 client, u64 now, u32 span)
{
	for (unsigned int i = 0; i < clues.n_answers; i++)
		if (clues.answers[i].client != client &&
		    now - clues.answers[i].when <= span)
			return true;
	return false;
}

/* "the failures of one client count once in the span" */
static bool has_counted(u32 client, u64 now, u32 span)
{
	for (unsigned int i = 0; i < clues.n_counted; i++)
		if (clues.counted[i].client == client &&
		    now - clues.counted[i].when <= span)
			return true;
	return false;
}

/* "since the last failure that counted, or in the last three seconds" */
static bool clue_counts(u32 client, u64 now, u32 span)
{
	u64 last = 0;

	for (unsigned int i = 0; i < clues.n_counted; i++)
		if (clues.counted[i].client == client)
			last = clues.counted[i].when;
	if (has_counted(client, now, span) &&
	    answers_others(client, now, now - last > 3 * HZ ? now - last : 3 * HZ))
		return false;
	clues.counted[clues.n_counted++] = (struct sighting){ client, now };
	return true;
}

/* "the last 8 distinct ports are remembered" */
static bool port_counts(u16 port)
{
	u16 distinct[LC_ANSWERED_PORTS];
	unsigned int n = 0;

	for (unsigned int i = clues.n_ports; i-- && n < LC_ANSWERED_PORTS; ) {
		bool known = false;

		if (clues.ports[i] == port)
			return true;
		for (unsigned int j = 0; j < n; j++)
			known |= distinct[j] == clues.ports[i];
		if (!known)
			distinct[n++] = clues.ports[i];
	}
	return false;
}

/* ---- the code, side by side with the model ---- */

static struct lc_health healths[BACKENDS];
static struct lc_tier tiers[TIERS];
static u64 now;

/*
 * The table of health.c: how often each state followed each event. Rest ends and the
 * panic are for backends that are out, panic for those of a tier.
 */
static unsigned long seen[ROWS][LC_HEALTH_STATES][LC_HEALTH_STATES];

#define NEVER	LC_HEALTH_STATES

static const u8 table[ROWS][LC_HEALTH_STATES] = {
	[ANSWERED]	= { LC_HEALTHY, LC_HEALTHY, LC_EJECTED, LC_HEALTHY },
	[FAILED]	= { LC_HEALTHY, LC_SUSPECT, LC_EJECTED, NEVER },
	[SPARED]	= { LC_EJECTED, LC_EJECTED, LC_EJECTED, LC_EJECTED },
	[NOT_SPARED]	= { LC_SUSPECT, LC_SUSPECT, LC_EJECTED, LC_SUSPECT },
	[PANICS]	= { NEVER, NEVER, LC_SUSPECT, LC_SUSPECT },
	[REST_ENDS]	= { NEVER, NEVER, LC_TRIAL, LC_TRIAL },
	[COMES_BACK]	= { LC_HEALTHY, LC_HEALTHY, LC_HEALTHY, LC_HEALTHY },
	[FORCED]	= { LC_EJECTED, LC_EJECTED, LC_EJECTED, LC_EJECTED },
};

static const char *const state_names[] = { "healthy", "suspect", "ejected", "trial" };

static const char *const row_names[] = {
	"answered", "failed, not failing", "failing, can be spared",
	"failing, cannot be", "panics", "rest ends", "comes back",
	"a command ejects"
};

/* What has happened in this history, to print it. */
static char story[STEPS * 80];
static size_t story_length;
static bool tell;

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	va_list args;

	if (!tell)
		return;
	va_start(args, format);
	story_length += vsnprintf(story + story_length,
				  sizeof(story) - story_length, format, args);
	va_end(args);
	if (story_length >= sizeof(story))
		story_length = sizeof(story) - 1;
}

static void start(unsigned int count, u32 max_fails, u64 fail_timeout, u64 since)
{
	n_backends = count;
	rules = (struct lc_health_rules){ max_fails, fail_timeout };
	now = since;
	memset(healths, 0, sizeof(healths));
	memset(tiers, 0, sizeof(tiers));
	memset(model_panic, 0, sizeof(model_panic));
	has_backups = false;
	for (unsigned int i = 0; i < count; i++) {
		memset(&models[i], 0, offsetof(struct model, log));
		models[i].tier = NO_TIER;
	}
	story_length = 0;
	note("%u backends, max_fails %u, fail timeout %llu\n", count, max_fails,
	     (unsigned long long)fail_timeout);
}

static void see(enum row row, enum lc_health_state was, unsigned int i)
{
	seen[row][was][healths[i].state]++;
}

static void do_move(unsigned int i, int tier)
{
	int old = models[i].tier;

	note("%llu: %u moves to tier %d\n", (unsigned long long)now, i, tier);
	lc_health_set_tier(&healths[i], tier == NO_TIER ? NULL : &tiers[tier]);
	models[i].tier = tier;
	if (old == tier)
		return;
	if (old != NO_TIER && !model_size(old))
		model_panic[old] = false;
	/* "until ... another healthy one appears" */
	if (tier != NO_TIER && models[i].state == LC_HEALTHY)
		model_panic[tier] = false;
}

static void do_panic(unsigned int first, const struct lc_tier *tier)
{
	for (unsigned int n = 0; n < n_backends; n++) {
		unsigned int i = (first + n) % n_backends;
		enum lc_health_state was = healths[i].state;

		if (healths[i].tier != tier || !lc_health_is_out(&healths[i]))
			continue;
		lc_health_panic(&healths[i], &rules, now);
		see(PANICS, was, i);
	}
}

/* The failures of a batch follow its answers in the table. */
static void see_batch(enum lc_health_state was, unsigned int i, u32 answered, u32 failed)
{
	if (answered && failed)
		was = table[ANSWERED][was];
	if (failed)
		see(model_row, was, i);
	else if (answered)
		see(ANSWERED, was, i);
}

static void do_judge(unsigned int i, u32 answered, u32 failed)
{
	enum lc_health_state was = healths[i].state;
	bool panics = lc_health_judge(&healths[i], &rules, answered, failed, now);
	bool wanted = model_judge(&models[i], answered, failed, now);

	note("%llu: %u answers %u, fails %u%s\n", (unsigned long long)now, i, answered,
	     failed, panics ? ": panic" : "");
	if (panics != wanted)
		fail("panic is %d, not %d", panics, wanted);
	see_batch(was, i, answered, failed);
	if (panics)
		do_panic(dice(n_backends), healths[i].tier);
}

static void do_answer(unsigned int i, u32 times)
{
	do_judge(i, times, 0);
}

static void do_fail(unsigned int i, u32 times)
{
	do_judge(i, 0, times);
}

static void do_end_rest(unsigned int i, u64 deadline)
{
	enum lc_health_state was = healths[i].state;

	note("%llu: %u: rest ends, trial until %llu\n", (unsigned long long)now, i,
	     (unsigned long long)deadline);
	lc_health_end_rest(&healths[i], deadline);
	model_end_rest(&models[i], deadline);
	see(REST_ENDS, was, i);
}

static void do_come_back(unsigned int i)
{
	enum lc_health_state was = healths[i].state;

	note("%llu: %u comes back\n", (unsigned long long)now, i);
	lc_health_come_back(&healths[i], now);
	model_come_back(&models[i], now);
	see(COMES_BACK, was, i);
}

static void do_force(unsigned int i, u64 until)
{
	enum lc_health_state was = healths[i].state;

	note("%llu: a command ejects %u until %llu\n", (unsigned long long)now, i,
	     (unsigned long long)until);
	lc_health_force(&healths[i], now, until);
	model_force(&models[i], until, now);
	see(FORCED, was, i);
}

static bool model_is_suspected(const struct model *model)
{
	struct count count = count_log(model);

	return model->state != LC_HEALTHY ||
	       (model->tier != NO_TIER && model_panic[model->tier]) ||
	       (count.is_open && now - count.last <= rules.fail_timeout);
}

static void compare_backend(unsigned int i)
{
	const struct lc_health *health = &healths[i];
	const struct model *model = &models[i];

	if (health->state != model->state)
		fail("%u is %s, not %s", i, state_names[health->state],
		     state_names[model->state]);
	if (model->state != LC_HEALTHY && health->until != model->until)
		fail("%u is out or suspect until %llu, not %llu", i,
		     (unsigned long long)health->until,
		     (unsigned long long)model->until);
	if (health->rest != model->rest)
		fail("the rest of %u is %llu, not %llu", i,
		     (unsigned long long)health->rest,
		     (unsigned long long)model->rest);
	if (lc_health_is_out(health) != model_is_out(model))
		fail("%u is out or not", i);
	if (lc_health_is_suspected(health, &rules, now) != model_is_suspected(model))
		fail("%u is %s suspected", i,
		     model_is_suspected(model) ? "not" : "wrongly");
}

static bool model_is_short(int tier)
{
	return !model_is_backed(tier) && 2 * model_out(tier) > model_size(tier);
}

static void compare_tier(int tier)
{
	const struct lc_tier *it = &tiers[tier];

	for (int state = 0; state < LC_HEALTH_STATES; state++)
		if (it->n[state] != model_count(tier, state))
			fail("tier %d has %u that are %s, not %u", tier, it->n[state],
			     state_names[state], model_count(tier, state));
	if (it->panic != model_panic[tier])
		fail("tier %d: panic is %d", tier, it->panic);
	if (lc_tier_size(it) != model_size(tier) ||
	    lc_tier_out(it) != model_out(tier) ||
	    lc_tier_is_backed(it) != model_is_backed(tier) ||
	    lc_tier_is_short(it) != model_is_short(tier))
		fail("tier %d: its size is %u, %u are out", tier, lc_tier_size(it),
		     lc_tier_out(it));
}

static void compare(void)
{
	for (unsigned int i = 0; i < n_backends; i++)
		compare_backend(i);
	for (int tier = 0; tier < TIERS; tier++)
		compare_tier(tier);
}

/* ---- each state with each event ---- */

static void __attribute__((format(printf, 3, 4)))
check(unsigned long long got, unsigned long long wanted, const char *format, ...)
{
	char what[160];
	va_list args;

	if (got == wanted)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	fail("%s: %llu, not %llu", what, got, wanted);
}

enum event {
	E_NOTHING,
	E_ANSWERED,
	E_FAILED_ONCE,
	E_3_OF_9,	/* answered, in one batch */
	E_3_OF_10,
	E_SPARED,	/* failing, and 1 of 4 others is out */
	E_HALF_OUT,	/* failing, and 2 of 3 others are out */
	E_LAST,		/* failing, and all others are suspect */
	E_ALL_OUT,	/* failing, and all others are out or suspect */
	E_IN_PANIC,	/* failing in a tier that panics already */
	E_PANIC,
	E_REST_ENDS,
	E_COMES_BACK,
	E_FORCED,
	E_MOVED,
	E_REMOVED,
	EVENTS,
};

struct cell {
	int	state;		/* that follows; -1: the event does not happen */
	bool	panics;
};

#define NO	{ -1, false }
#define H	{ LC_HEALTHY, false }
#define S	{ LC_SUSPECT, false }
#define P	{ LC_SUSPECT, true }
#define E	{ LC_EJECTED, false }
#define EP	{ LC_EJECTED, true }
#define T	{ LC_TRIAL, false }

static const struct cell cells[EVENTS][LC_HEALTH_STATES] = {
	/*		    healthy, suspect, ejected, trial */
	[E_NOTHING]	= { H, S, E, T },
	[E_ANSWERED]	= { H, H, E, H },
	[E_FAILED_ONCE]	= { H, S, E, E },
	[E_3_OF_9]	= { H, H, E, H },
	[E_3_OF_10]	= { E, E, E, E },
	[E_SPARED]	= { E, E, E, E },
	[E_HALF_OUT]	= { S, S, E, E },
	[E_LAST]	= { P, P, E, P },
	[E_ALL_OUT]	= { P, P, E, P },
	[E_IN_PANIC]	= { S, S, E, E },
	[E_PANIC]	= { NO, NO, S, S },
	[E_REST_ENDS]	= { NO, NO, T, T },
	[E_COMES_BACK]	= { H, H, H, H },
	[E_FORCED]	= { E, E, E, E },
	[E_MOVED]	= { H, S, E, T },
	[E_REMOVED]	= { H, S, E, T },
};

/* The others of the tier, for each event. */
static const u8 others[EVENTS][4] = {
	[E_SPARED]	= { LC_EJECTED, LC_HEALTHY, LC_SUSPECT, LC_HEALTHY },
	[E_HALF_OUT]	= { LC_EJECTED, LC_HEALTHY, LC_SUSPECT, LC_TRIAL },
	[E_LAST]	= { LC_SUSPECT, LC_SUSPECT, LC_SUSPECT, LC_SUSPECT },
	[E_ALL_OUT]	= { LC_EJECTED, LC_SUSPECT, LC_SUSPECT, LC_TRIAL },
	[E_IN_PANIC]	= { LC_SUSPECT, LC_HEALTHY, LC_SUSPECT, LC_SUSPECT },
};

#define TIMEOUT	100
#define THIRD	3	/* max_fails */

static void put(unsigned int i, enum lc_health_state state)
{
	healths[i] = (struct lc_health){ .state = state };
	if (lc_health_is_out(&healths[i])) {
		healths[i].rest = TIMEOUT;
		healths[i].until = now + TIMEOUT;
		healths[i].doublings = 1;
	}
	lc_health_set_tier(&healths[i], &tiers[0]);
}

static bool judge(u32 answered, u32 failed)
{
	return lc_health_judge(&healths[0], &rules, answered, failed, now);
}

/* Return: true if the tier panics. */
static bool happen(enum event event)
{
	switch (event) {
	case E_NOTHING:
		return judge(0, 0);
	case E_ANSWERED:
		return judge(1, 0);
	case E_FAILED_ONCE:
		return judge(0, 1);
	case E_3_OF_9:
		return judge(3, 6);
	case E_3_OF_10:
		return judge(3, 7);
	case E_SPARED:
	case E_HALF_OUT:
	case E_LAST:
	case E_ALL_OUT:
	case E_IN_PANIC:
		return judge(0, THIRD);
	case E_PANIC:
		lc_health_panic(&healths[0], &rules, now);
		return false;
	case E_REST_ENDS:
		lc_health_end_rest(&healths[0], now + 7);
		return false;
	case E_COMES_BACK:
		lc_health_come_back(&healths[0], now);
		return false;
	case E_FORCED:
		lc_health_force(&healths[0], now, now + 9);
		return false;
	case E_MOVED:
		lc_health_set_tier(&healths[0], &tiers[1]);
		return false;
	default:
		lc_health_set_tier(&healths[0], NULL);
		return false;
	}
}

static void check_cell(enum event event, enum lc_health_state was)
{
	const struct cell *cell = &cells[event][was];
	unsigned int n[TIERS][LC_HEALTH_STATES] = {};
	bool panic = event == E_IN_PANIC || event == E_PANIC;
	bool panics;
	int tier = 0;

	start(5, THIRD, TIMEOUT, 1000);
	put(0, was);
	for (unsigned int i = 1; i < 5; i++) {
		put(i, others[event][i - 1]);
		n[0][others[event][i - 1]]++;
	}
	/* An ejected one does not end it. */
	tiers[0].panic = panic || event == E_ANSWERED;
	if (event == E_ANSWERED)
		panic = was == LC_EJECTED;
	panics = happen(event);
	panic |= panics;
	if (event == E_MOVED)
		tier = 1;
	if (event == E_REMOVED)
		tier = NO_TIER;
	if (tier != NO_TIER)
		n[tier][cell->state]++;

	check(healths[0].state, cell->state, "event %u, state %u", event, was);
	check(panics, cell->panics, "event %u, state %u: panics", event, was);
	check(tiers[0].panic, panic, "event %u, state %u: panic", event, was);
	for (int t = 0; t < TIERS; t++)
		for (int state = 0; state < LC_HEALTH_STATES; state++)
			check(tiers[t].n[state], n[t][state],
			      "event %u, state %u: tier %d has in state %d", event,
			      was, t, state);
	/* The second rest is twice as long. */
	if (event == E_FORCED) {
		check(healths[0].until, now + 9, "state %u: until", was);
		check(healths[0].rest, was < LC_EJECTED ? 0 : TIMEOUT,
		      "state %u: rest", was);
	} else if (cell->state == LC_EJECTED) {
		u64 rest = TIMEOUT << (was == LC_TRIAL);

		check(healths[0].until, now + rest, "event %u, state %u: until",
		      event, was);
		check(healths[0].rest, rest, "event %u, state %u: rest", event, was);
		check(healths[0].doublings, rest / TIMEOUT,
		      "event %u, state %u: doublings", event, was);
	}
	if (cell->state == LC_SUSPECT && event != E_NOTHING && event < E_REST_ENDS)
		check(healths[0].until, now + TIMEOUT, "event %u, state %u: until",
		      event, was);
	if (event == E_REST_ENDS)
		check(healths[0].until, now + 7, "state %u: the deadline", was);
	if (was >= LC_EJECTED && cell->state < LC_EJECTED) {
		check(healths[0].back, now, "event %u, state %u: back", event, was);
		check(healths[0].doublings, 1, "event %u, state %u: doublings",
		      event, was);
	}
	if (was < LC_EJECTED && cell->state < LC_EJECTED)
		check(healths[0].back, 0, "event %u, state %u: back", event, was);
}

static void test_states_and_events(void)
{
	for (int event = 0; event < EVENTS; event++)
		for (int state = 0; state < LC_HEALTH_STATES; state++)
			if (cells[event][state].state >= 0)
				check_cell(event, state);
}

/* ---- times ---- */

static void pass(u64 time)
{
	now += time;
}

/* Two backends of one tier; the other one is healthy. */
static void start_pair(u32 max_fails, u64 fail_timeout)
{
	start(2, max_fails, fail_timeout, 1000);
	do_move(0, 0);
	do_move(1, 0);
}

static void test_fail_timeout(void)
{
	start_pair(2, 100);
	do_fail(0, 1);
	pass(100);
	check(lc_health_is_suspected(&healths[0], &rules, now), true,
	      "a failure within the fail timeout");
	do_fail(0, 1);
	check(healths[0].state, LC_EJECTED, "two within the fail timeout");

	start_pair(2, 100);
	do_fail(0, 1);
	pass(101);
	check(lc_health_is_suspected(&healths[0], &rules, now), false,
	      "a failure that is forgotten");
	do_fail(0, 1);
	check(healths[0].state, LC_HEALTHY, "one was before the fail timeout");

	/* It counts from the first one; the next one after that time is a new first one. */
	start_pair(3, 100);
	do_fail(0, 1);
	pass(80);
	do_fail(0, 1);
	pass(60);
	do_fail(0, 1);
	pass(10);
	do_fail(0, 1);
	check(healths[0].state, LC_HEALTHY, "two within the fail timeout of a first one");
	compare();
	pass(90);
	do_fail(0, 1);
	check(healths[0].state, LC_EJECTED, "three of them");

	/* With an answer, failures are forgotten after the last one. */
	start_pair(2, 100);
	do_fail(0, 1);
	do_answer(0, 1);
	for (int i = 0; i < 8; i++) {
		check(healths[0].state, LC_HEALTHY, "%d of %d failed", i + 1, i + 2);
		pass(100);
		do_fail(0, 1);
	}
	check(healths[0].state, LC_EJECTED, "9 of 10 failed");

	start_pair(2, 100);
	do_fail(0, 1);
	do_answer(0, 1);
	pass(101);
	do_fail(0, 2);
	check(healths[0].state, LC_EJECTED, "the answer is forgotten, too");
}

/* "fails more connections than it answers, out of ..." */
static void test_shares(void)
{
	for (u32 answered = 1; answered <= 16; answered++) {
		start_pair(3, 100);
		do_fail(0, 1);
		do_answer(0, answered);
		for (u32 failed = 1; ; failed++) {
			bool most = failed > answered && failed + answered >= 10 &&
				    failed + answered <= 32;

			check(healths[0].state, most ? LC_EJECTED : LC_HEALTHY,
			      "%u failed, %u answered", failed, answered);
			if (most || failed + answered == 32)
				break;
			do_fail(0, 1);
		}
	}
	/* 33 are halved, and then 25 failed of 49. */
	start_pair(25, 100);
	do_fail(0, 1);
	do_answer(0, 24);
	do_fail(0, 23);
	check(healths[0].state, LC_HEALTHY, "24 failed, 24 answered");
	do_fail(0, 1);
	check(healths[0].state, LC_EJECTED, "25 failed, 24 answered");
}

static void test_old_ones_weigh_less(void)
{
	start_pair(3, 100);
	judge(0, 1);
	judge(UINT_MAX, 0);
	for (int i = 0; i < 16; i++)
		judge(0, 1);
	check(healths[0].state, LC_HEALTHY, "16 failed after many answers");
	for (int i = 0; i < 16; i++)
		judge(0, 1);
	check(healths[0].state, LC_EJECTED, "32 failed after many answers");
	check(healths[0].failed + healths[0].answered, 0, "the counts");
}

static void check_batch(u32 old_answered, u32 answered, u32 failed, bool ejects)
{
	start_pair(3, 100);
	if (old_answered) {
		do_fail(0, 1);
		do_answer(0, old_answered);
	}
	do_judge(0, answered, failed);
	check(healths[0].state, ejects ? LC_EJECTED : LC_HEALTHY,
	      "%u failed of %u, after %u answers", failed, answered + failed,
	      old_answered);
	compare();
}

/* A batch counts as a whole, in any order, and what is older makes room for it. */
static void test_batches(void)
{
	check_batch(0, 0, 2, false);
	check_batch(0, 0, 3, true);
	check_batch(0, 4, 5, false);
	check_batch(0, 5, 5, false);
	check_batch(0, 4, 6, true);
	check_batch(0, 1, 8, false);
	check_batch(0, 100, 100, false);
	check_batch(0, 100, 101, true);
	/* One failed and 31 answered before; they are halved. */
	check_batch(31, 0, 15, false);
	check_batch(31, 0, 16, true);
	check_batch(31, 0, 17, true);
	check_batch(31, 1, 16, false);
	check_batch(31, 1, 17, true);
	check_batch(31, 2, 15, false);
	/* A batch that fills all of it: nothing older counts. */
	check_batch(31, 15, 17, true);
	check_batch(31, 16, 16, false);
	check_batch(31, 29, 30, true);

	/* Answers make older failures weigh less. */
	start_pair(3, 100);
	do_fail(0, 1);
	do_judge(0, 15, 15);
	check(healths[0].state, LC_EJECTED, "16 failed of 31");
	start_pair(3, 100);
	do_judge(0, 16, 16);
	do_answer(0, 10);
	/* 8 failed, and 18 answered; 4 and 9 when there are 9 more. */
	do_fail(0, 5);
	check(healths[0].state, LC_HEALTHY, "13 failed, 18 answered");
	compare();
	do_fail(0, 4);
	check(healths[0].state, LC_EJECTED, "10 failed, 9 answered");
}

/* More than a counter holds, and the largest max_fails. */
static void test_largest_counts(void)
{
	start_pair(UINT_MAX, 100);
	judge(0, 1);
	judge(UINT_MAX, 0);
	judge(UINT_MAX, 0);
	judge(0, UINT_MAX - 1);
	check(healths[0].state, LC_HEALTHY, "more answered");
	judge(0, UINT_MAX);
	check(healths[0].state, LC_EJECTED, "more failed: older ones are halved");

	start_pair(UINT_MAX, 100);
	judge(UINT_MAX, UINT_MAX);
	check(healths[0].state, LC_HEALTHY, "half failed");
	check(healths[0].answered, UINT_MAX, "answered");
	check(healths[0].failed, UINT_MAX, "failed");

	start_pair(UINT_MAX, 100);
	judge(0, UINT_MAX - 1);
	check(healths[0].state, LC_HEALTHY, "one less than max_fails");
	judge(0, UINT_MAX);
	check(healths[0].state, LC_EJECTED, "the largest max_fails");

	/* Twice as many do not fit in 32 bits. */
	start_pair(1U << 31, 100);
	judge(0, 1);
	judge(1, 0);
	judge(0, 1U << 31);
	check(healths[0].state, LC_EJECTED, "2^31 failed and one answered");
	start_pair(1U << 31, 100);
	judge(0, 1U << 30);
	judge(1, 0);
	judge(0, 1U << 30);
	check(healths[0].state, LC_EJECTED, "twice 2^30 failed and one answered");

	start_pair(1, 1ULL << 40);
	do_fail(0, 1);
	check(healths[0].until, now + (1ULL << 40), "a long fail timeout");
	compare();
}

static void test_doublings(void)
{
	static const unsigned int times[] = { 1, 2, 4, 8, 16, 32, 32, 32 };
	u64 rest = 0;

	/* By trials that fail. */
	start_pair(1, 100);
	do_fail(0, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(times); i++) {
		rest = 100 * times[i];
		check(healths[0].until, now + rest, "rest %u", i);
		pass(rest);
		do_end_rest(0, now + 10);
		do_fail(0, 1);
	}
	/* By coming back for as long as the last rest took. */
	pass(rest);
	do_end_rest(0, now + 10);
	pass(5);
	do_answer(0, 1);
	check(healths[0].state, LC_HEALTHY, "the trial's end");
	pass(rest);
	do_fail(0, 1);
	check(healths[0].until, now + rest, "back for as long as the rest");
	do_come_back(0);
	pass(rest + 1);
	do_fail(0, 1);
	check(healths[0].until, now + 100, "back for longer than the rest");
	do_come_back(0);
	pass(100);
	do_fail(0, 1);
	check(healths[0].until, now + 200, "and back for as long again");
	compare();
}

/* "Its next rests do not get longer by it." */
static void test_command(void)
{
	start_pair(3, 100);
	do_fail(0, 2);
	do_force(0, now + 1000);
	check(healths[0].failed, 0, "failures that are remembered");
	compare();
	do_force(0, now + 500);
	pass(500);
	do_end_rest(0, now + 10);
	do_fail(0, 1);
	check(healths[0].until, now + 100, "the first rest after it");
	pass(100);
	do_end_rest(0, now + 10);
	do_force(0, now + 30);
	pass(30);
	do_end_rest(0, now + 10);
	do_fail(0, 1);
	check(healths[0].until, now + 200, "the second rest");
	do_force(0, now + 30);
	do_come_back(0);
	do_fail(0, 2);
	check(healths[0].state, LC_HEALTHY, "earlier failures are forgotten");
	compare();

	/* It does not ask the others. */
	do_force(0, now + 30);
	do_force(1, now + 30);
	check(lc_tier_out(&tiers[0]), 2, "all are out");
	check(tiers[0].panic, false, "panic");
	check(lc_tier_is_short(&tiers[0]), true, "must come back");
	do_move(0, NO_TIER);
	do_move(1, NO_TIER);
	check(lc_tier_is_short(&tiers[0]), false, "an empty tier");
	compare();
}

/* The last healthy one is ejected, or a trial fails: then all that are out are used. */
static void test_no_healthy_one_is_left(void)
{
	start_pair(1, 100);
	do_fail(0, 1);
	do_fail(1, 1);
	check(tiers[0].panic, true, "both fail");
	do_answer(0, 1);
	check(tiers[0].panic, false, "one answers");
	pass(200);
	do_fail(0, 1);
	check(tiers[0].panic, true, "it is ejected, and the other one is suspect");
	check(tiers[0].n[LC_SUSPECT], 2, "suspects");
	compare();

	start_pair(1, 100);
	do_fail(0, 1);
	do_move(1, NO_TIER);
	do_end_rest(0, now + 10);
	do_fail(0, 1);
	check(tiers[0].panic, true, "the only one is on trial and fails");
	check(healths[0].state, LC_SUSPECT, "it is used");
	compare();
	do_move(0, NO_TIER);
	check(tiers[0].panic, false, "the tier is empty");
	do_come_back(0);
	do_move(0, 0);
	do_move(1, 0);
	do_fail(1, 1);
	check(healths[1].state, LC_EJECTED, "there is no panic");
	compare();
}

/* A failure does not make a suspect backend healthy, if earlier ones are forgotten. */
static void test_suspect_that_fails(void)
{
	start(1, 3, 100, 1000);
	do_move(0, 0);
	do_fail(0, 3);
	pass(200);
	do_fail(0, 1);
	check(healths[0].state, LC_SUSPECT, "it fails again");
	compare();
}

/* "it is healthy again when it has failed none for the fail timeout" */
static void test_suspect_that_fails_no_more(void)
{
	start(1, 2, 100, 1000);
	do_move(0, 0);
	do_fail(0, 2);
	check(healths[0].state, LC_SUSPECT, "the only one");
	check(healths[0].until, now + 100, "suspect until");
	pass(60);
	do_fail(0, 1);
	check(healths[0].until, now + 100, "a failure more");
	pass(100);
	do_come_back(0);
	check(tiers[0].panic, false, "panic");
	compare();
}

static void test_half_of_a_tier(void)
{
	for (unsigned int size = 1; size <= BACKENDS; size++) {
		start(size, 1, 100, 1000);
		for (unsigned int i = 0; i < size; i++)
			do_move(i, 0);
		for (unsigned int i = 0; i < size; i++) {
			check(tiers[0].panic, false, "%u of %u fail", i, size);
			do_fail(i, 1);
			if (i + 1 < size)
				check(lc_tier_out(&tiers[0]),
				      i + 1 < size / 2 ? i + 1 : size / 2,
				      "out of %u", size);
		}
		check(tiers[0].panic, true, "all of %u fail", size);
		check(tiers[0].n[LC_SUSPECT], size, "suspects");
		do_answer(size - 1, 1);
		check(tiers[0].panic, false, "one of %u answers", size);
		compare();
	}
}

/* All ordinary backends are out while a backup serves; then the backup fails. */
static void test_backups(void)
{
	start(3, 1, 100, 1000);
	has_backups = true;
	tiers[0].next = &tiers[1];
	do_move(0, 0);
	do_move(1, 0);
	do_move(2, 1);
	do_fail(0, 1);
	do_fail(1, 1);
	check(tiers[0].n[LC_EJECTED], 2, "ejected while a backup serves");
	check(lc_tier_is_short(&tiers[0]), false, "no ordinary one must come back");
	compare();
	do_fail(2, 1);
	check(healths[2].state, LC_SUSPECT, "the backup fails");
	check(tiers[1].panic, true, "the backups panic");
	check(lc_tier_is_short(&tiers[0]), true, "ordinary ones must come back");
	compare();
	do_come_back(0);
	check(lc_tier_is_short(&tiers[0]), false, "one of two is back");
	do_fail(0, 1);
	check(tiers[0].panic, true, "it fails, and the backup is suspect");
	compare();
}

/* ---- random histories ---- */

#define HISTORIES	50000

static const u32 max_fails_of[] = { 1, 2, 3, 3, 10, 50 };
/* They are odd, and times are even: which of two equal times is first is silent. */
static const u64 fail_timeouts[] = { 5, 11, 101 };
static const u32 batches[] = { 1, 1, 1, 1, 1, 2, 3, 8, 20, 60 };

static u64 any_step(void)
{
	u64 most = rules.fail_timeout;

	switch (dice(10)) {
	case 0:
		most *= 2;
		break;
	case 1:
		most *= 40;
		break;
	case 2:
	case 3:
		most /= 2;
		break;
	default:
		most = 3;
		break;
	}
	return dice(most + 1) & ~1U;
}

/* Half of a tier is out at most, or was when it had other members. */
static void check_half(int tier, unsigned int out)
{
	if (lc_tier_is_short(&tiers[tier]) && lc_tier_out(&tiers[tier]) > out)
		fail("more than half of tier %d are out", tier);
}

/* A failure, or none for the fail timeout. */
static void random_event_inside(unsigned int i)
{
	if (healths[i].state == LC_SUSPECT && healths[i].until <= now && dice(2))
		do_come_back(i);
	else
		do_fail(i, one_of(batches));
}

/* Its rest or trial ends, or a connection is judged. */
static void random_event_outside(unsigned int i)
{
	if (!dice(4))
		do_fail(i, one_of(batches));
	else if (healths[i].until > now && dice(2))
		pass((healths[i].until - now + 1) & ~1U);
	else if (healths[i].until <= now)
		do_end_rest(i, now + dice(20));
	else
		do_judge(i, dice(3), dice(2));
}

static void random_event(void)
{
	unsigned int i = dice(n_backends);
	unsigned int out[TIERS];
	bool by_hand = false;

	for (int tier = 0; tier < TIERS; tier++)
		out[tier] = lc_tier_out(&tiers[tier]);
	switch (dice(16)) {
	case 0:
		by_hand = true;
		if (!dice(3))
			do_force(i, now + 2 * dice(50));
		if (!lc_health_is_out(&healths[i]) || dice(4))
			do_move(i, (int)dice(TIERS + 1) - 1);
		break;
	case 1:
		if (!dice(4))
			do_come_back(i);
		break;
	case 2:
	case 3:
	case 4:
		do_answer(i, one_of(batches));
		break;
	case 5:
	case 6:
		do_judge(i, one_of(batches) - dice(2), one_of(batches) - dice(2));
		break;
	default:
		if (lc_health_is_out(&healths[i]))
			random_event_outside(i);
		else
			random_event_inside(i);
		break;
	}
	for (int tier = 0; tier < TIERS && !by_hand; tier++)
		check_half(tier, out[tier]);
}

/* Ordinary backends and backups; a few start without a tier. */
static void random_start(void)
{
	start(1 + dice(BACKENDS), one_of(max_fails_of), one_of(fail_timeouts),
	      dice(2) ? 0x100000000ULL - dice(200) * 2 : 2 + dice(5000) * 2);
	has_backups = dice(2);
	tiers[0].next = has_backups ? &tiers[1] : NULL;
	if (has_backups)
		note("tier 1 serves when tier 0 is out\n");
	for (unsigned int i = 0; i < n_backends; i++)
		if (dice(16))
			do_move(i, !dice(4));
}

static void random_history(unsigned int history, uint64_t seed)
{
	dice_seed(seed, history);
	random_start();
	for (int step = 0; step < STEPS && !failure; step++) {
		pass(any_step());
		random_event();
		compare();
	}
}

static void test_random_histories(void)
{
	static char text[200];

	for (unsigned int i = 0; i < HISTORIES; i++) {
		random_history(i, 1);
		if (!failure)
			continue;
		snprintf(text, sizeof(text), "history %u: %s", i, failure);
		failure = text;
		return;
	}
}

/* All of the table have been seen, and no other. */
static void test_table_of_states(void)
{
	for (int row = 0; row < ROWS; row++) {
		for (int was = 0; was < LC_HEALTH_STATES; was++) {
			for (int is = 0; is < LC_HEALTH_STATES; is++) {
				bool wanted = is == table[row][was];

				if (wanted == !!seen[row][was][is])
					continue;
				fail("%s: %s to %s was %sseen", row_names[row],
				     state_names[was], state_names[is],
				     wanted ? "not " : "");
			}
		}
	}
}

/* ---- evidence ---- */

static struct lc_evidence evidence;

static void evidence_start(void)
{
	memset(&evidence, 0, sizeof(evidence));
	memset(&clues, 0, sizeof(clues));
}

static void evidence_step(u64 when, u32 span)
{
	u32 client = 1 + dice(6);
	u16 port = 1 + dice(12);
	bool counts;

	switch (dice(4)) {
	case 0:
		lc_evidence_answered(&evidence, client, when);
		clues.answers[clues.n_answers++] = (struct sighting){ client, when };
		break;
	case 1:
		lc_evidence_add_port(&evidence, port);
		clues.ports[clues.n_ports++] = port;
		break;
	default:
		/* As many clients as are remembered. */
		client = 1 + dice(LC_FAILED_CLIENTS);
		counts = clue_counts(client, when, span);
		if (lc_evidence_failed(&evidence, client, when, span) != counts)
			fail("a failure of client %u %s", client,
			     counts ? "does not count" : "counts");
		break;
	}
	for (port = 1; port <= 12; port++)
		if (lc_evidence_has_port(&evidence, port) != port_counts(port))
			fail("port %u %s", port,
			     port_counts(port) ? "is forgotten" : "is remembered");
}

static void random_evidence(void)
{
	u32 span = 5 + 2 * dice(20);
	u64 when = dice(2) ? 0x100000000ULL - 2 * dice(100) : 2 * dice(100);

	evidence_start();
	for (int step = 0; step < SIGHTINGS / 2; step++) {
		when += 2 * dice(dice(4) ? 4 : span);
		evidence_step(when, span);
	}
}

static void test_random_evidence(void)
{
	for (int history = 0; history < 10000 && !failure; history++) {
		dice_seed(2, history);
		random_evidence();
	}
}

static bool blames(u32 client, u32 when)
{
	return lc_evidence_failed(&evidence, client, when, 100);
}

static void test_one_client(void)
{
	evidence_start();
	check(blames(7, 1000), true, "no client is answered");
	check(blames(7, 1001), true, "and again");
	lc_evidence_answered(&evidence, 7, 1001);
	check(blames(7, 1002), true, "this client alone is answered");
	lc_evidence_answered(&evidence, 8, 1002);
	check(blames(7, 1003), false, "another one is answered");
	check(blames(7, 1102), false, "at the end of the span");
	check(blames(7, 1103), true, "after the span");
	lc_evidence_answered(&evidence, 8, 1103);
	check(blames(7, 1104), false, "once in the span");
	check(blames(7, 1203), false, "at the end of the next one");
	check(blames(8, 1104), true, "of the answered one");

	evidence_start();
	lc_evidence_answered(&evidence, 8, 1000);
	lc_evidence_answered(&evidence, 7, 1001);
	check(blames(7, 1050), true, "first one");
	check(blames(7, 1100), false, "another one was answered within the span");
	check(blames(7, 1101), false, "another one was answered in the last three seconds");
	check(lc_evidence_failed(&evidence, 7, 1050 + 3 * HZ, 1000), true,
	      "another one was answered before that");
	lc_evidence_answered(&evidence, 8, 1051 + 3 * HZ);
	check(lc_evidence_failed(&evidence, 7, 1050 + 8 * HZ, 1000), false,
	      "another one was answered since the last failure that counted");

	/* An answer that is noticed late. */
	evidence_start();
	lc_evidence_answered(&evidence, 8, 1000);
	check(blames(7, 1010), true, "first one");
	lc_evidence_answered(&evidence, 8, 1005);
	check(lc_evidence_failed(&evidence, 7, 1006 + 3 * HZ, 1000), true,
	      "another one was answered before the failure, and not since");
	/* The newest one stays, and the newest one of another client. */
	evidence_start();
	lc_evidence_answered(&evidence, 8, 1000);
	lc_evidence_answered(&evidence, 9, 990);
	lc_evidence_answered(&evidence, 8, 980);
	check(blames(8, 1001), true, "first one");
	check(blames(8, 1002), false, "the other one was answered before, too");
}

/* A client that is forgotten counts again; the one that counted first is forgotten. */
static void check_many_clients(u32 since)
{
	evidence_start();
	lc_evidence_answered(&evidence, 99, since);
	for (u32 client = 1; client <= LC_FAILED_CLIENTS; client++)
		check(blames(client, since + client), true, "client %u", client);
	for (u32 client = 1; client <= LC_FAILED_CLIENTS; client++)
		check(blames(client, since + 20), false, "client %u again", client);
	check(blames(50, since + 30), true, "one more");
	check(blames(50, since + 31), false, "it is remembered");
	for (u32 client = 2; client <= LC_FAILED_CLIENTS; client++)
		check(blames(client, since + 40), false, "client %u is remembered",
		      client);
	check(blames(1, since + 41), true, "the first one is forgotten");
	check(blames(2, since + 42), true, "and then the second");
	check(blames(50, since + 43), false, "the other one still is not");
}

/* The low bits of jiffies start again between the clients. */
static void test_more_clients_than_remembered(void)
{
	check_many_clients(1000);
	check_many_clients(-3U);
	check_many_clients(-15U);
}

static void test_clients_that_failed(void)
{
	evidence_start();
	check(lc_evidence_has_failed(&evidence, 7), false, "before it fails");
	blames(7, 1000);
	check(lc_evidence_has_failed(&evidence, 7), true, "after it failed");
	check(lc_evidence_has_failed(&evidence, 8), false, "another one");
	lc_evidence_answered(&evidence, 9, 1001);
	blames(7, 1002);
	check(lc_evidence_has_failed(&evidence, 7), true, "a failure that did not count");
	for (u32 client = 11; client <= 10 + LC_FAILED_CLIENTS; client++)
		blames(client, 1000 + client);
	check(lc_evidence_has_failed(&evidence, 7), false, "too many others have failed");
	lc_evidence_forget_failed(&evidence);
	check(lc_evidence_has_failed(&evidence, 11), false, "forgotten");
	check(blames(11, 1050), true, "counts again");
}

static void test_dropped(void)
{
	evidence_start();
	check(lc_evidence_dropped(&evidence, 7, 1000, 100), false, "the first one");
	check(lc_evidence_dropped(&evidence, 7, 1001, 100), false, "the same client");
	check(lc_evidence_dropped(&evidence, 8, 1101, 100), true, "another one in time");
	check(lc_evidence_dropped(&evidence, 7, 1102, 100), true, "the first one again");
	check(lc_evidence_dropped(&evidence, 8, 1203, 100), false, "too late");
}

static void test_ports(void)
{
	evidence_start();
	for (u16 port = 1; port <= LC_ANSWERED_PORTS; port++) {
		check(lc_evidence_has_port(&evidence, port), false, "port %u", port);
		lc_evidence_add_port(&evidence, port);
		lc_evidence_add_port(&evidence, port);
	}
	for (u16 port = 1; port <= LC_ANSWERED_PORTS; port++)
		check(lc_evidence_has_port(&evidence, port), true, "port %u", port);
	check(lc_evidence_has_port(&evidence, 0x101), false, "a port like port 1");
	lc_evidence_add_port(&evidence, 65535);
	check(lc_evidence_has_port(&evidence, 1), false, "the first of nine");
	check(lc_evidence_has_port(&evidence, 2), true, "the second of nine");
	check(lc_evidence_has_port(&evidence, 65535), true, "the last of nine");

	/* One that answers again is not the first that is forgotten. */
	lc_evidence_add_port(&evidence, 2);
	lc_evidence_add_port(&evidence, 10);
	check(lc_evidence_has_port(&evidence, 2), true, "it has answered again");
	check(lc_evidence_has_port(&evidence, 3), false, "it has not");
}

static void test_end_of_ports(void)
{
	struct {
		struct lc_evidence	evidence;
		u16			after;
	} guarded = {};

	for (u16 port = 1; port <= 2 * LC_ANSWERED_PORTS; port++)
		lc_evidence_add_port(&guarded.evidence, port);
	check(guarded.after, 0, "what follows the ports");
}

/* ---- shares of failed connections ---- */

#define TICKS	1000

/* A backend that answers some of 100 connections, beside one that answers all. */
struct life {
	u32		max_fails;
	unsigned int	answers;	/* of 100 */
	unsigned int	rate;		/* connections in a second */
	unsigned int	batch;		/* judged together */
	unsigned long	connections;
};

struct fate {
	unsigned long	ejections;
	unsigned long	first;		/* connections before the first one */
	u64		out;		/* jiffies */
	u64		all;
};

static void step_life(const struct life *life)
{
	unsigned int failed = 0;

	for (unsigned int i = 0; i < life->batch; i++)
		failed += dice(100) >= life->answers;
	judge(life->batch - failed, failed);
}

/* An ejected backend gets no connections, and one on trial gets one. */
static struct fate live(const struct life *life)
{
	struct life trial = *life;
	struct fate fate = {};
	u64 jiffies = 0;

	trial.batch = 1;
	start_pair(life->max_fails, 10 * TICKS);
	for (unsigned long n = 0; n < life->connections; n += life->batch) {
		bool out = lc_health_is_out(&healths[0]);

		if (out) {
			fate.out += healths[0].until - now;
			jiffies = healths[0].until - 1000;
			now = healths[0].until;
			lc_health_end_rest(&healths[0], now + TICKS);
		}
		step_life(out ? &trial : life);
		if (healths[0].state == LC_EJECTED) {
			fate.ejections++;
			if (!fate.first)
				fate.first = n + life->batch;
		}
		jiffies += TICKS / life->rate * life->batch;
		now = 1000 + jiffies;
	}
	fate.all = jiffies;
	return fate;
}

static const unsigned int sizes[] = { 1, 10, 50 };

static void test_few_failures(void)
{
	const struct life few = { 3, 95, 5, 1, 1000000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct life life = { 3, 95, 1000, sizes[i], 1000000 };

		dice_seed(3, 0);
		check(live(&life).ejections, 0,
		      "answers 95 of 100, 1000 in a second, judged by %u", sizes[i]);
	}
	/*
	 * For ten seconds none fails in 0.95^50 of the cases, and then the next three
	 * fail in 0.05^2: 10 times, about.
	 */
	dice_seed(3, 0);
	check(live(&few).ejections < 30, true, "answers 95 of 100, 5 in a second");
}

static unsigned int ejected_early(const struct life *life, unsigned int lives)
{
	unsigned int ejected = 0;

	for (unsigned int i = 0; i < lives; i++) {
		dice_seed(5, i);
		ejected += live(life).ejections > 0;
	}
	return ejected;
}

/* The first three fail in 0.05^2 of the cases: 0.25%, about. */
static void test_first_connections(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct life life = { 3, 95, 1000, sizes[i], 1000 };

		check(ejected_early(&life, 2000) <= (sizes[i] == 1 ? 20 : 0), true,
		      "answers 95 of 100, judged by %u", sizes[i]);
	}
}

static void test_many_failures(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct life life = { 3, 10, 1000, sizes[i], 200 };

		for (int n = 0; n < 10000; n++) {
			dice_seed(4, n);
			check(live(&life).first - 1 < 50, true,
			      "refuses 9 of 10, judged by %u", sizes[i]);
		}
	}
}

static void print_first_ejection(u32 max_fails, unsigned int batch)
{
	const struct life life = { max_fails, 10, 1000, batch, 2000 };
	unsigned long sum = 0, most = 0, never = 0;

	for (int n = 0; n < 20000; n++) {
		struct fate fate;

		dice_seed(4, n);
		fate = live(&life);
		sum += fate.first;
		never += !fate.first;
		if (fate.first > most)
			most = fate.first;
	}
	printf("%2u, %2u: mean %.2f, most %lu, never %lu of 20000\n", max_fails, batch,
	       sum / 20000.0, most, never);
}

static void print_shares(void)
{
	static const u32 fails[] = { 1, 2, 3, 10, 50 };

	printf("max_fails, batch: ejections, out %%; 95 of 100 answered\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(fails); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct life life = { fails[i], 95, 1000, sizes[j], 10000000 };
			struct fate fate;

			dice_seed(3, 0);
			fate = live(&life);
			printf("1000/s: %2u, %2u: %lu, %.3f%%", fails[i], sizes[j],
			       fate.ejections, 100.0 * fate.out / fate.all);
			life.rate = 5;
			life.connections = 1000000;
			life.batch = sizes[j] > 10 ? 5 : sizes[j] > 1 ? 2 : 1;
			fate = live(&life);
			printf("; 5/s, batch %u: %lu, %.3f%%\n", life.batch,
			       fate.ejections, 100.0 * fate.out / fate.all);
		}
	}
	printf("max_fails, batch: ejected of 10000 in the first 1000; 95 of 100 answered\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(fails); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct life life = { fails[i], 95, 1000, sizes[j], 1000 };

			printf("%2u, %2u: %u\n", fails[i], sizes[j],
			       ejected_early(&life, 10000));
		}
	}
	printf("max_fails, batch: connections until the first ejection; 9 of 10 refused\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(fails); i++)
		for (unsigned int j = 0; j < ARRAY_SIZE(sizes); j++)
			print_first_ejection(fails[i], sizes[j]);
}

/* ---- histories at which the code once differed from the words ---- */

/* All have failed for long, and then 41 of 42 are answered. */
static void test_many_failures_before(void)
{
	start(3, 3, 100, 1000);
	do_move(0, 0);
	do_fail(0, 1000);
	do_answer(0, 20);
	do_answer(0, 20);
	do_move(1, 0);
	do_fail(0, 1);
	compare();
}

/* It answers 1 of 34, and cannot be spared until another one is back. */
static void test_answers_halved_to_none(void)
{
	start(3, 3, 100, 1000);
	for (int i = 0; i < 3; i++)
		do_move(i, 0);
	do_fail(1, 3);
	do_fail(0, 1);
	do_answer(0, 1);
	do_fail(0, 30);
	pass(80);
	do_fail(0, 1);
	pass(80);
	do_come_back(1);
	do_fail(0, 1);
	compare();
}

/* Back for long, it is ejected by a command, and then its trial fails. */
static void test_back_for_long(void)
{
	start_pair(1, 100);
	do_fail(0, 1);
	do_come_back(0);
	pass(100000);
	do_force(0, now + 30);
	pass(30);
	do_end_rest(0, now + 10);
	do_fail(0, 1);
	compare();
}

/* The only backend of a tier is updated. */
static void test_same_tier(void)
{
	start(1, 1, 100, 1000);
	do_move(0, 0);
	do_fail(0, 1);
	do_move(0, 0);
	compare();
}

/* A rule set is loaded again: each backend goes on where it is. */
static void test_copies(void)
{
	struct lc_health copies[4];

	start(4, 1, 100, 1000);
	for (unsigned int i = 0; i < 4; i++)
		do_move(i, 0);
	do_fail(0, 1);
	do_fail(1, 1);
	do_end_rest(1, 1300);
	do_fail(2, 1);
	for (unsigned int i = 0; i < 4; i++)
		lc_health_copy(&copies[i], &healths[i]);
	check(lc_tier_size(&tiers[0]), 4, "the old ones");
	for (unsigned int i = 0; i < 4; i++) {
		lc_health_set_tier(&healths[i], NULL);
		healths[i] = copies[i];
		lc_health_set_tier(&healths[i], &tiers[0]);
	}
	check(healths[0].state, LC_EJECTED, "the first");
	check(healths[1].state, LC_TRIAL, "the second");
	check(healths[2].state, LC_SUSPECT, "the third");
	compare();
	do_end_rest(0, 1400);
	do_fail(0, 1);
	compare();
}

static void print_history(unsigned int history)
{
	tell = true;
	random_history(history, 1);
	printf("%s%s\n", story, failure ? failure : "as wanted");
}

static const struct unit_test tests[] = {
	{ "states and events",		test_states_and_events },
	{ "fail timeout",		test_fail_timeout },
	{ "shares",			test_shares },
	{ "old ones weigh less",	test_old_ones_weigh_less },
	{ "batches",			test_batches },
	{ "largest counts",		test_largest_counts },
	{ "doublings",			test_doublings },
	{ "command",			test_command },
	{ "no healthy one is left",	test_no_healthy_one_is_left },
	{ "suspect that fails",		test_suspect_that_fails },
	{ "suspect that fails no more",	test_suspect_that_fails_no_more },
	{ "half of a tier",		test_half_of_a_tier },
	{ "backups",			test_backups },
	{ "random histories",		test_random_histories },
	{ "table of states",		test_table_of_states },
	{ "random evidence",		test_random_evidence },
	{ "one client",			test_one_client },
	{ "more clients than remembered", test_more_clients_than_remembered },
	{ "clients that failed",	test_clients_that_failed },
	{ "dropped",			test_dropped },
	{ "ports",			test_ports },
	{ "end of the ports",		test_end_of_ports },
	{ "few failures",		test_few_failures },
	{ "first connections",		test_first_connections },
	{ "many failures",		test_many_failures },
	{ "many failures before",	test_many_failures_before },
	{ "answers halved to none",	test_answers_halved_to_none },
	{ "back for long",		test_back_for_long },
	{ "same tier",			test_same_tier },
	{ "copies",			test_copies },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "shares"))
		print_shares();
	else if (argc > 2 && !strcmp(argv[1], "history"))
		print_history(atoi(argv[2]));
	else
		return run_tests(tests, ARRAY_SIZE(tests));
	return 0;
}
