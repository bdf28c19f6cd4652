// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters: finds the backends that no packet reaches, because this host drops it.
 *
 * Nearly always the connection of a choice is recorded before its processor chooses again:
 * see hint.h. If it is not, the choice is pending (pending.c), and a look each
 * LC_PENDING_LOOK finds out what it tells. A choice is judged by its client: another backend
 * has answered it in the meantime. If clients are many, and come once, all choices of a
 * backend together are compared with those of others: see reach.c.
 */
#include <linux/jiffies.h>

#include "filter.h"
#include "member.h"
#include "record.h"

#define LC_HINT_AGE	(HZ / 10)	/* a packet is seldom on its way for as long */
#define LC_HINT_TIME	(2 * HZ)	/* a record lives longer */
#define LC_SEARCH	16384U		/* members, for all choices that were dropped */
#define LC_REACH_ROUND	(2 * HZ)	/* answers are noticed in less */
#define LC_REACH_LONG	(60 * HZ)	/* a round, if nothing comes of it */
#define LC_REACH_FEW	8U		/* dropped choices that may be chance */
#define LC_REACH_SURE	10U		/* missing answers that are not: exp(-10) */
#define LC_REACH_SHARE	4U		/* a backend with so much fewer drops has none */

/**
 * struct drop_search - looks for choices that this host has dropped
 * @healer: the namespace's
 * @left: members that it may look at
 * @ripe: the round has enough to judge a backend by
 */
struct drop_search {
	struct lc_healer	*healer;
	unsigned int		left;
	bool			ripe;
};

/* Return: another backend's place in a pool that both are in, or NULL. */
static const struct lc_member *find_beside(struct drop_search *search,
					   const struct lc_backend *backend,
					   u32 number)
{
	const struct lc_member *member, *other;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		list_for_each_entry(other, &member->pool->members, list) {
			if (!search->left)
				return NULL;
			search->left--;
			if (other->backend->number == number)
				return other;
		}
	return NULL;
}

/* Choices of a backend that were dropped in this round and the one before. */
static u32 count_dropped(const struct lc_healer *healer,
			 const struct lc_backend *backend)
{
	const struct lc_reach *reach = &backend->reach;
	u32 age = healer->round - READ_ONCE(reach->round);

	if (age > 1)
		return 0;
	return READ_ONCE(reach->now.dropped) +
	       (age ? 0 : READ_ONCE(reach->before.dropped));
}

/*
 * Has another backend, to which the rule could send it, answered the client? If the host
 * drops packets to that one, too, it has dropped all for a moment. If it drops the client's
 * packets to half of them, or to several, that tells of the client: there may be a limit
 * for its packets.
 */
static bool is_answered(struct drop_search *search,
			const struct lc_choice *choice, u32 age)
{
	struct lc_healer *healer = search->healer;
	const struct lc_answered *seen = lc_answered_of(healer, choice->client);
	const struct lc_member *other;
	unsigned int others;

	if (READ_ONCE(seen->client) != choice->client ||
	    (u32)jiffies - READ_ONCE(seen->when) >= age)
		return false;
	other = find_beside(search, choice->backend, READ_ONCE(seen->number));
	if (!other || LC_REACH_SHARE * count_dropped(healer, other->backend) >
		      count_dropped(healer, choice->backend))
		return false;
	others = lc_pendings_count_others(&healer->pendings, choice->client,
					  choice->backend->number);
	return others < LC_PENDING_OTHERS && 2 * others < other->pool->n_live;
}

/*
 * This host may drop the packets of one client. While other clients are answered, the
 * packets of two must be dropped.
 */
static bool drop_counts(struct lc_healer *healer, struct lc_backend *backend,
			u32 client)
{
	bool second;

	spin_lock_bh(&backend->evidence_lock);
	second = lc_evidence_dropped(&backend->evidence, client, jiffies,
				     READ_ONCE(backend->fail_timeout));
	spin_unlock_bh(&backend->evidence_lock);
	return second || !lc_answered_others(healer, client);
}

/*
 * A choice was dropped by this host if its connection is not recorded after a while. It
 * tells of the backend if the client was answered since then, by another one: the host
 * does not drop the packets of this client. And if the backend has answered no client
 * since then: the host does drop packets to it.
 *
 * Return: false if the choice need not be looked at again.
 */
static bool judge_choice(struct drop_search *search,
			 const struct lc_choice *choice, u32 age)
{
	struct lc_backend *backend = choice->backend;
	struct lc_result result = {
		.client	= choice->client,
	};
	u32 answered = READ_ONCE(backend->evidence.answered[0].when);

	/* Held connections come late: give them some time. */
	if (age < LC_DROP_TIME)
		return !lc_record_claim(search->healer->records, choice);
	if (!(choice->origin & LC_JUDGED) &&
	    backend->key.port && (u32)jiffies - answered >= age &&
	    lc_backend_since_revived(backend) > age &&
	    is_answered(search, choice, age) &&
	    drop_counts(search->healer, backend, choice->client))
		lc_report_failed(search->healer, backend, &result,
				 LEASTCONN_REASON_DROPPED);
	return false;
}

static void add_tally(struct lc_tally *sum, const struct lc_tally *tally)
{
	sum->answered += READ_ONCE(tally->answered);
	sum->dropped += READ_ONCE(tally->dropped);
}

static void add_reach(struct lc_reach *sum, const struct lc_reach *reach)
{
	if (reach->round == sum->round) {
		add_tally(&sum->now, &reach->now);
		add_tally(&sum->before, &reach->before);
	} else if (reach->round + 1 == sum->round) {
		add_tally(&sum->before, &reach->now);
	}
}

/* Return: false if there are too many. */
static bool add_others(struct drop_search *search, const struct lc_backend *backend,
		       struct lc_reach *sum)
{
	const struct lc_member *member, *other;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		list_for_each_entry(other, &member->pool->members, list) {
			if (!search->left)
				return false;
			search->left--;
			if (other->backend != backend)
				add_reach(sum, &other->backend->reach);
		}
	return true;
}

/* Some clients avoid it: its choices tell less than those of others. */
static bool is_on_trial(const struct lc_backend *backend)
{
	const struct lc_member *member;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		if (member->health.state == LC_TRIAL)
			return true;
	return false;
}

static struct lc_reach begin_round(struct lc_healer *healer,
				   struct lc_backend *backend)
{
	struct lc_reach reach;

	spin_lock_bh(&backend->evidence_lock);
	lc_reach_begin(&backend->reach, healer->round);
	reach = backend->reach;
	spin_unlock_bh(&backend->evidence_lock);
	return reach;
}

/*
 * This host drops all packets to a backend, if in two rounds no connection to it was
 * answered, but enough to the others. In the second one the answers of the first one have
 * been noticed.
 */
static void judge_reach(struct drop_search *search, struct lc_backend *backend)
{
	struct lc_healer *healer = search->healer;
	struct lc_reach own = begin_round(healer, backend);
	struct lc_reach others = { .round = healer->round };
	u32 missing;
	bool alone;

	if (!READ_ONCE(backend->n_watching) || !backend->key.port ||
	    own.now.answered || own.before.answered ||
	    own.now.dropped + own.before.dropped < LC_REACH_FEW ||
	    !add_others(search, backend, &others))
		return;
	alone = LC_REACH_SHARE * (others.now.dropped + others.before.dropped) <=
		own.now.dropped + own.before.dropped;
	if (alone)
		lc_report_streak(healer, backend);
	else if (is_on_trial(backend))
		return;
	if (lc_reach_missing(&own.now, &others.now) >= LC_REACH_SURE)
		search->ripe = true;
	missing = lc_reach_missing(&own.before, &others.before);
	if (missing < LC_REACH_SURE ||
	    get_jiffies_64() - healer->round_began < LC_REACH_ROUND)
		return;
	lc_backend_forget_dropped(backend);
	atomic_add(missing, &backend->fails);
	lc_report_failures(healer, backend, missing, LEASTCONN_REASON_DROPPED);
}

/* Return: false if the choice need not be looked at again. */
static bool look_at_choice(void *data, const struct lc_choice *choice, u32 age)
{
	struct lc_backend *backend = choice->backend;
	struct drop_search *search = data;

	if (backend->looked != search->healer->looks) {
		backend->looked = search->healer->looks;
		judge_reach(search, backend);
	}
	return judge_choice(search, choice, age);
}

static void look_at_choices(struct lc_healer *healer)
{
	struct drop_search search = { .healer = healer, .left = LC_SEARCH };
	u64 now = get_jiffies_64(), age = now - healer->round_began;

	healer->looks++;
	lc_pendings_look(&healer->pendings, look_at_choice, &search);
	if (age < LC_REACH_ROUND || (!search.ripe && age < LC_REACH_LONG))
		return;
	healer->round_began = now;
	WRITE_ONCE(healer->round, healer->round + 1);
}

/**
 * lc_filter_look() - look at pending choices, if it is time
 * @healer: the namespace's; its backends are locked
 *
 * Context: may sleep.
 * Return: jiffies until the next look, or U64_MAX.
 */
u64 lc_filter_look(struct lc_healer *healer)
{
	u64 now = get_jiffies_64();

	if (healer->pending_due && healer->pending_due <= now) {
		look_at_choices(healer);
		healer->pending_due = 0;
	}
	if (!healer->pending_due && lc_pendings_exist(&healer->pendings))
		healer->pending_due = now + LC_PENDING_LOOK;
	return healer->pending_due ? healer->pending_due - now : U64_MAX;
}

static void count_drop(struct lc_healer *healer, struct lc_backend *backend)
{
	spin_lock_bh(&backend->evidence_lock);
	lc_reach_begin(&backend->reach, READ_ONCE(healer->round));
	backend->reach.now.dropped++;
	spin_unlock_bh(&backend->evidence_lock);
}

/**
 * lc_filter_dropped() - a choice is pending: its packet was dropped, or is held
 * @healer: the namespace's
 * @choice: the choice. Nothing happens if its connection is recorded
 *
 * Context: any, under rcu_read_lock().
 */
void lc_filter_dropped(struct lc_healer *healer, const struct lc_choice *choice)
{
	bool known = READ_ONCE(lc_answered_of(healer, choice->client)->client) ==
		     choice->client;

	if (lc_record_claim(healer->records, choice))
		return;
	count_drop(healer, choice->backend);
	if (lc_pending_add(&healer->pendings, choice, known))
		lc_healer_check(healer);
}

/**
 * lc_filter_collect() - look for choices whose connections are not recorded
 * @healer: the namespace's
 *
 * A processor that does not choose again does not notice: see lc_filter_unconfirmed().
 *
 * Context: process.
 */
void lc_filter_collect(struct lc_healer *healer)
{
	struct lc_choice choice;
	struct lc_hint *hint;
	u32 age;
	int cpu;

	rcu_read_lock();
	for_each_online_cpu(cpu) {
		hint = per_cpu_ptr(&lc_hint, cpu);
		age = lc_hint_peek(hint, &choice);
		if (age < LC_HINT_AGE || age > LC_HINT_TIME ||
		    choice.backend->home->healer != healer)
			continue;
		if (lc_hint_take_from(hint, choice.hash))
			lc_filter_dropped(healer, &choice);
	}
	rcu_read_unlock();
}

/**
 * lc_filter_unconfirmed() - the connection that this processor chose last is not recorded
 *
 * If it was chosen long ago, its record may have been freed since then. It may be one of
 * another namespace; the hint keeps that namespace's data: the backend is in one of its
 * pools.
 *
 * Context: packets, under rcu_read_lock().
 */
void lc_filter_unconfirmed(void)
{
	struct lc_choice choice;

	if (lc_hint_drop(&choice) <= LC_HINT_TIME && choice.backend)
		lc_filter_dropped(choice.backend->home->healer, &choice);
}
