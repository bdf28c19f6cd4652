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
#define LC_COMPARED	1024U		/* others that a backend is compared with */
#define LC_NOTICED	(7 * HZ / 5)	/* an answer is noticed in less */
#define LC_RUN		8U		/* dropped choices that may be chance */
#define LC_MISSING	10U		/* missing answers that are not: exp(-10) */
#define LC_FEWER	4U		/* a backend with so much fewer drops has none */

/**
 * struct drop_search - looks for choices that this host has dropped
 * @healer: the namespace's
 * @left: members that it may look at
 */
struct drop_search {
	struct lc_healer	*healer;
	unsigned int		left;
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

/* A copy, up to now. */
static struct lc_reach reach_of(struct lc_backend *backend)
{
	u32 span = lc_span_of((u32)jiffies);
	struct lc_reach reach;

	spin_lock_bh(&backend->evidence_lock);
	lc_reach_begin(&backend->reach, span);
	reach = backend->reach;
	spin_unlock_bh(&backend->evidence_lock);
	return reach;
}

/* Choices of a backend that were dropped for as long as a choice is pending. */
static u32 count_dropped(struct lc_backend *backend)
{
	const struct lc_reach reach = reach_of(backend);

	return lc_reach_count_dropped(&reach, lc_span_of((u32)jiffies - LC_DROP_TIME) - 1);
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
	if (!other || LC_FEWER * count_dropped(other->backend) >
		      count_dropped(choice->backend))
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
 * since then: the host does drop packets to it. If its client had avoided another one, it
 * tells nothing: dropped packets can be led to a backend.
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
	u32 answered = READ_ONCE(backend->answered_when);

	/* Held connections come late: give them some time. */
	if (age < LC_DROP_TIME)
		return !lc_record_claim(search->healer->records, choice);
	if (!(choice->origin & (LC_JUDGED | LC_LED)) &&
	    backend->key.port && (u32)jiffies - answered >= age &&
	    lc_backend_since_revived(backend) > age &&
	    is_answered(search, choice, age) &&
	    drop_counts(search->healer, backend, choice->client))
		lc_report_failed(search->healer, backend, &result,
				 LEASTCONN_REASON_DROPPED);
	return false;
}

/**
 * struct comparison - compares a backend with others of its pools
 * @own: the backend's choices
 * @from: the first span that is compared
 * @to: the last one; answers to its choices have been noticed
 * @others: what became of choices of others
 * @dropped: all choices of others that were dropped of late
 * @left: others to add
 */
struct comparison {
	struct lc_reach		own;
	u32			from;
	u32			to;
	struct lc_reached	others;
	u64			dropped;
	unsigned int		left;
};

static u32 recent_span(void)
{
	return lc_span_of((u32)jiffies) - 1;
}

static void add_other(struct comparison *comparison, struct lc_backend *other)
{
	const struct lc_reach reach = reach_of(other);

	lc_reach_add(&reach, comparison->from, comparison->to, &comparison->others);
	comparison->dropped += lc_reach_count_dropped(&reach, recent_span());
}

/* Each once, in however many pools it is. Some of them are enough. */
static void add_others(struct drop_search *search, struct comparison *comparison,
		       const struct lc_backend *backend)
{
	const struct lc_member *member, *other;
	u32 sum = ++search->healer->sums;

	hlist_for_each_entry(member, &backend->sched_dests, dest.node)
		list_for_each_entry(other, &member->pool->members, list) {
			if (!search->left || !comparison->left)
				return;
			search->left--;
			comparison->left--;
			if (other->backend == backend || other->backend->summed == sum)
				continue;
			other->backend->summed = sum;
			add_other(comparison, other->backend);
		}
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

/*
 * This host drops all packets to a backend, if since its last answer none of its choices
 * was answered, but enough of others.
 */
static void judge_reach(struct drop_search *search, struct lc_backend *backend)
{
	struct comparison comparison = {
		.own	= reach_of(backend),
		.to	= lc_span_of((u32)jiffies - LC_NOTICED) - 1,
		.left	= LC_COMPARED,
	};
	const struct lc_reach *own = &comparison.own;
	struct lc_reached sum = { };
	u32 missing;

	if (!READ_ONCE(backend->n_watching) || !backend->key.port || own->run < LC_RUN)
		return;
	comparison.from = lc_reach_first(own);
	add_others(search, &comparison, backend);
	/* It would look idle until it is ejected: see lc_report_unreached(). */
	if (LC_FEWER * comparison.dropped <= lc_reach_count_dropped(own, recent_span()))
		lc_report_unreached(search->healer, backend);
	else if (is_on_trial(backend))
		return;
	lc_reach_add(own, comparison.from, comparison.to, &sum);
	missing = lc_reach_missing(&sum, &comparison.others);
	if (missing < LC_MISSING)
		return;
	lc_backend_forget_dropped(backend);
	atomic_add(missing, &backend->fails);
	lc_report_failures(search->healer, backend, missing, LEASTCONN_REASON_DROPPED);
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

	healer->looks++;
	lc_pendings_look(&healer->pendings, look_at_choice, &search);
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

static void count_drop(const struct lc_choice *choice)
{
	struct lc_backend *backend = choice->backend;
	u32 span = lc_span_of((u32)jiffies);

	spin_lock_bh(&backend->evidence_lock);
	lc_reach_dropped(&backend->reach, span, choice->origin & LC_FREE);
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
	count_drop(choice);
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
