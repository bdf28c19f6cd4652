// SPDX-License-Identifier: GPL-2.0-only
/*
 * The garbage collector compares records with conntrack and frees those whose
 * entry has gone.
 *
 * The hooks see a connection begin and close, but an entry can end without a packet:
 * it times out, is deleted or dropped early. A module outside the kernel is not
 * notified of that, so each record's entry is looked up every LC_ROUND ticks. Until
 * then the record waits in a queue that only the check work uses, in the order of
 * the ticks that records are due in. New records reach it over a lockless list. A
 * run checks about LC_BUDGET old records at most and leaves the rest to the next
 * tick: with more than 100,000 records the round grows longer, not the work per
 * second. Young records have a queue of their own, so that their first check does
 * not wait for old ones: it finds backends that do not answer.
 *
 * Nearly always nothing has changed since the last check. Then one look into the
 * bucket where the entry was is enough.
 *
 * Between checks the work sleeps: with no more than LC_BUDGET old records and no new
 * one it runs once in LC_ROUND ticks.
 */
#include <linux/err.h>
#include <linux/prefetch.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "ct.h"
#include "fail.h"
#include "filter.h"
#include "gc.h"
#include "healer.h"
#include "lock.h"
#include "share.h"

#define LC_TICK		(HZ / 10)
#define LC_ROUND	7U		/* ticks */
#define LC_SYN_CHECKS	3U		/* one in each tick, until 0.8 to 0.9 s */
#define LC_RETRY_ROUNDS	7U		/* over 4.2 s: the fourth SYN comes 4 s after the third */
#define LC_BUDGET	(100000 / LC_ROUND)
#define LC_YOUNG_BUDGET	(4 * LC_BUDGET)
#define LC_YOUNG_COST	8U		/* in checks of old records */
#define LC_BATCH	16U		/* checks without rescheduling */
#define LC_BATCH_TIME	2U		/* jiffies after which a batch ends */
#define LC_UNCONFIRMED	(2 * HZ)	/* longer than until the second check */
#define LC_DESTS_PER_CHECK 16U		/* updates that cost as much as a check */

static struct lc_record *queued_record(struct llist_node *node)
{
	return llist_entry(node, struct lc_record, queue);
}

static void update_tick(struct lc_gc *gc)
{
	unsigned long ticks = (jiffies - gc->when) / LC_TICK;

	gc->tick += ticks;
	gc->when += ticks * LC_TICK;
}

/* Fresh records have waited for one tick. */
static void queue_fresh(struct lc_gc *gc)
{
	struct llist_node *first = llist_del_all(&gc->fresh);
	struct llist_node *node, *last = NULL;

	for (node = first; node; node = node->next) {
		queued_record(node)->due = gc->tick + LC_ROUND - 1;
		last = node;
	}
	if (first)
		lc_queue_add(&gc->young, first, last);
}

static bool is_due(const struct lc_gc *gc, const struct lc_queue *queue)
{
	struct llist_node *first = queue->first;

	return first && (s16)(queued_record(first)->due - gc->tick) <= 0;
}

/* Return: false if the connection no longer belongs to a backend. */
static bool update_record(struct lc_gc *gc, struct lc_record *record,
			  const struct nf_conn *ct, enum lc_phase phase)
{
	struct lc_dests dests = record->dests;

	if (!lc_ct_has_dests(ct, &dests))
		lc_ct_dests(gc->backends, ct, &dests);
	lc_record_set(gc->records, record, &dests, phase);
	return record->dests.exact || record->dests.any_port;
}

enum lc_verdict {
	LC_KEEP,
	LC_AGAIN,	/* check again in the next tick */
	LC_FAIL,	/* keep; the connection was not answered */
	LC_REMOVE,
};

static void set_mark(struct lc_record *record, u16 mark)
{
	WRITE_ONCE(record->marks, record->marks | mark);
}

/*
 * The entry might still be unconfirmed: check once more before the record is freed.
 * A redispatched client has LC_RETRY_ROUNDS to retry.
 */
static enum lc_verdict judge_missing(struct lc_record *record)
{
	unsigned int rounds = FIELD_GET(LC_TIMES, record->marks);

	if (lc_record_awaits_retry(record) && rounds < LC_RETRY_ROUNDS) {
		WRITE_ONCE(record->marks, (record->marks & ~LC_TIMES) |
			   FIELD_PREP(LC_TIMES, rounds + 1));
		return LC_KEEP;
	}
	if (record->marks & LC_CHECKED)
		return LC_REMOVE;
	set_mark(record, LC_CHECKED);
	return LC_AGAIN;
}

/* A client repeats its first packet after one second. */
static enum lc_verdict judge_unreplied(struct lc_record *record)
{
	unsigned int checks = FIELD_GET(LC_TIMES, record->marks) + 1;

	if (checks < LC_SYN_CHECKS) {
		WRITE_ONCE(record->marks, (record->marks & ~LC_TIMES) |
			   FIELD_PREP(LC_TIMES, checks));
		return LC_AGAIN;
	}
	set_mark(record, LC_JUDGED);
	return LC_FAIL;
}

/*
 * Only connections that the hook saw begin tell of their backend. UDP need not be
 * answered: it is judged only where a pool asks for it. Other protocols are not judged
 * later than at the first check.
 */
static bool is_judged(const struct lc_record *record)
{
	const struct lc_backend *exact = record->dests.exact;

	return record->marks & LC_WITNESSED &&
	       (record->key.proto == IPPROTO_TCP ||
		(exact && READ_ONCE(exact->n_watching)));
}

static enum lc_verdict judge_answer(struct lc_gc *gc, struct lc_record *record,
				    const struct nf_conn *ct)
{
	if (is_judged(record)) {
		if (lc_ct_unreplied(ct))
			return judge_unreplied(record);
		if (!lc_ct_accepted(ct))
			return LC_KEEP;
		lc_answer(gc->healer, &record->dests, ct, record->marks,
			  (u32)jiffies - LC_ANSWER_AGE);
	}
	set_mark(record, LC_JUDGED);
	return LC_KEEP;
}

static enum lc_verdict judge_record(struct lc_gc *gc, struct lc_record *record,
				    const struct nf_conn *ct)
{
	enum lc_phase phase = ct ? lc_ct_phase(ct) : LC_ENDED;
	enum lc_verdict verdict = LC_KEEP;

	if (lc_record_is_superseded(gc->records, record))
		return LC_REMOVE;
	if (phase == LC_ENDED)
		return judge_missing(record);
	/* At the second check, after 1.3 to 1.6 s. */
	if (!(record->marks & LC_YOUNG) && phase == LC_ACTIVE &&
	    lc_ct_is_half_open(ct))
		phase = LC_HALF_OPEN;
	record->bucket = lc_ct_bucket(ct);
	if (!update_record(gc, record, ct, phase))
		verdict = LC_REMOVE;
	else if (!(record->marks & LC_JUDGED))
		verdict = judge_answer(gc, record, ct);
	/* Not earlier: see record_may_clash() in record.c. */
	set_mark(record, LC_CHECKED);
	return verdict;
}

/* The record may have been freed: it is looked up once more. */
static noinline void handle_unanswered(struct lc_gc *gc, const struct nf_conn *ct,
				       u16 origin)
{
	struct lc_record_key key;

	if (!lc_fail(gc->healer, ct, origin, LEASTCONN_REASON_UNANSWERED))
		return;
	lc_ct_key(ct, &key);
	lc_record_give_up(gc->records, &key);
}

/* Entries that conntrack could not insert when it was to confirm them, ever. */
static unsigned int count_unconfirmed(const struct lc_gc *gc)
{
	unsigned int sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(gc->net->ct.stat, cpu)->insert_failed);
	return sum;
}

static void note_unconfirmed(struct lc_gc *gc)
{
	unsigned int unconfirmed = count_unconfirmed(gc);

	if (unconfirmed == gc->unconfirmed)
		return;
	gc->unconfirmed = unconfirmed;
	gc->unconfirmed_when = jiffies;
}

/*
 * At its first two checks a record had no entry, and the hook saw no end of the connection:
 * conntrack did not confirm it, for example because masquerading has no port left. Or the
 * entry was deleted: then conntrack has not counted a failure. Return: false if nothing is
 * to be learned of it.
 */
static bool was_dropped(const struct lc_gc *gc, const struct lc_record *record,
			struct lc_choice *choice)
{
	const u16 marks = record->marks;

	if (!(marks & LC_YOUNG) || !(marks & LC_CHOSEN) || !record->dests.exact ||
	    lc_record_phase(record) != LC_ACTIVE ||
	    jiffies - gc->unconfirmed_when > LC_UNCONFIRMED ||
	    marks & (LC_JUDGED | LC_TRIES | LC_TIMES))
		return false;
	*choice = (struct lc_choice) {
		.backend	= record->dests.exact,
		.hash		= lc_record_hash(gc->records, &record->key),
		.client		= lc_ct_client(&record->key.src, record->key.family),
		.origin		= marks & LC_ORIGIN,
	};
	return true;
}

/*
 * The entry is looked up without the record's lock and judged under it, so that a
 * packet that renews the record in between is noticed.
 */
static enum lc_verdict check_record(struct lc_gc *gc, struct lc_record *record)
{
	struct nf_conn *ct = lc_ct_get(gc->net, &record->key);
	spinlock_t *lock = lc_record_lockptr(gc->records, &record->key);
	bool stays = true, dropped = false;
	enum lc_verdict verdict;
	struct lc_choice choice;
	u16 origin;

	spin_lock_bh(lock);
	origin = record->marks & LC_ORIGIN;
	verdict = judge_record(gc, record, ct);
	if (verdict == LC_REMOVE) {
		dropped = !ct && was_dropped(gc, record, &choice);
		lc_record_del(gc->records, record);
	} else if (verdict != LC_AGAIN) {
		stays = lc_record_make_old(gc->records, record);
	}
	spin_unlock_bh(lock);
	if (dropped)
		lc_filter_dropped(gc->healer, &choice);
	if (verdict == LC_FAIL)
		handle_unanswered(gc, ct, origin);
	if (ct)
		nf_ct_put(ct);
	return stays ? verdict : LC_REMOVE;
}

/*
 * The tick for the next check of a record. Up to LC_BUDGET records are checked in
 * the same tick, so that the work can sleep in between; more are spread over ticks.
 */
static u16 next_check(const struct lc_gc *gc)
{
	u16 due = gc->tick + LC_ROUND;

	if (lc_table_count(&gc->records->old) <= LC_BUDGET)
		due -= gc->tick % LC_ROUND;
	/* The queue is in the order of ticks. */
	if (gc->old.first && (s16)(due - gc->next_tick) < 0)
		due = gc->next_tick;
	return due;
}

/* What updating the pools of a record's backends costs, in checks. */
static unsigned int update_cost(const struct lc_record *record)
{
	return lc_dests_updates(&record->dests) / LC_DESTS_PER_CHECK;
}

/* Return: what it cost beyond one check, in checks. */
static unsigned int check_next(struct lc_gc *gc, struct lc_queue *queue,
			       struct lc_queue *again)
{
	const u16 known = LC_YOUNG | LC_CHECKED | LC_JUDGED;
	struct llist_node *node = lc_queue_del_first(queue);
	struct lc_record *record = queued_record(node);
	enum lc_verdict verdict = LC_KEEP;
	unsigned int cost = 0;

	if ((READ_ONCE(record->marks) & known) != (LC_CHECKED | LC_JUDGED) ||
	    !lc_ct_unchanged(gc->net, record)) {
		cost = update_cost(record);
		verdict = check_record(gc, record);
	}
	if (verdict == LC_KEEP || verdict == LC_FAIL) {
		record->due = gc->next_tick;
		lc_queue_add(&gc->old, node, node);
	} else if (verdict == LC_AGAIN) {
		record->due = gc->tick + 1;
		lc_queue_add(again, node, node);
	}
	return cost;
}

/* Prefetch the bucket of @node's record and the record after it. */
static struct llist_node *prefetch_next(struct llist_node *node)
{
	lc_ct_prefetch_bucket(queued_record(node)->bucket);
	node = node->next;
	prefetch(queued_record(node));
	prefetch(node);
	return node;
}

/*
 * With many connections a check costs the cache misses of record, bucket and entry.
 * So they are prefetched: records and buckets during the previous batch, entries
 * here.
 */
static void check_batch(struct lc_gc *gc, struct lc_queue *queue,
			struct lc_queue *again)
{
	struct llist_node *ahead = queue->first;
	const struct lc_record *record;
	unsigned long begun = jiffies;
	u32 buckets[LC_BATCH];
	unsigned int n = 0;

	rcu_read_lock();
	local_bh_disable();
	for (; ahead && n < LC_BATCH; ahead = ahead->next) {
		record = queued_record(ahead);
		buckets[n++] = record->bucket;
		/* The bucket is not known: the record is young. */
		if (!record->bucket)
			lc_record_prefetch_old(gc->records, record);
	}
	lc_ct_prefetch(buckets, n);
	/*
	 * conntrack deletes an entry that has expired when it is looked up, and reports it to
	 * each listener, through a filter of the listener's: that may take long.
	 */
	for (n = 0; n < LC_BATCH && is_due(gc, queue); n++) {
		if (jiffies - begun >= LC_BATCH_TIME)
			break;
		n += check_next(gc, queue, again);
		if (ahead)
			ahead = prefetch_next(ahead);
	}
	local_bh_enable();
	rcu_read_unlock();
}

/* Check the due records of a queue, @max at most; each costs @cost old records. */
static void check_queue(struct lc_gc *gc, struct lc_queue *queue,
			unsigned int max, unsigned int cost)
{
	struct lc_share *share = gc->healer->share;
	unsigned int batches = max / LC_BATCH;
	struct lc_queue again;
	u64 begun;

	lc_queue_init(&again);
	while (batches-- && is_due(gc, queue) &&
	       (begun = lc_share_begin_checks(share))) {
		check_batch(gc, queue, &again);
		lc_share_end_checks(share, LC_BATCH * cost, begun);
		cond_resched();
	}
	while (again.first)
		lc_queue_add_first(queue, lc_queue_del_first(&again));
}

/* Ticks until the first record of a queue is due. */
static unsigned int ticks_left(const struct lc_gc *gc,
			       const struct lc_queue *queue)
{
	s16 left = LC_ROUND;

	if (queue->first)
		left = queued_record(queue->first)->due - gc->tick;
	return clamp_t(s16, left, 1, LC_ROUND);
}

/*
 * Sleep until the first record is due. A fresh record is queued after one tick: see
 * queue_fresh().
 */
static void schedule_check(struct lc_gc *gc)
{
	unsigned int ticks = min(ticks_left(gc, &gc->young),
				 ticks_left(gc, &gc->old));

	WRITE_ONCE(gc->asleep, ticks > 1);
	smp_mb();	/* pairs with lc_gc_wake() */
	if (!llist_empty(&gc->fresh))
		ticks = 1;
	queue_delayed_work(lc_wq, &gc->check, ticks * LC_TICK);
}

/* What this takes grows with the processors: it is charged. */
static void look_at_processors(struct lc_gc *gc)
{
	struct lc_share *share = gc->healer->share;
	u64 begun = lc_share_begin_checks(share);

	if (!begun)
		return;
	note_unconfirmed(gc);
	lc_filter_collect(gc->healer);
	lc_share_end_checks(share, num_possible_cpus(), begun);
}

static void gc_work(struct work_struct *work)
{
	struct lc_gc *gc = container_of(to_delayed_work(work), struct lc_gc,
					check);

	WRITE_ONCE(gc->asleep, 0);
	update_tick(gc);
	queue_fresh(gc);
	gc->next_tick = next_check(gc);
	check_queue(gc, &gc->young, LC_YOUNG_BUDGET, LC_YOUNG_COST);
	check_queue(gc, &gc->old, LC_BUDGET, 1);
	look_at_processors(gc);
	lc_healer_loads_changed(gc->healer);

	/* From here on lc_gc_add() finds @fresh empty and queues the work. */
	if (gc->young.first || gc->old.first)
		schedule_check(gc);
}

/**
 * lc_gc_wake() - check within a tick
 * @gc: the namespace's
 *
 * Context: any.
 */
void lc_gc_wake(struct lc_gc *gc)
{
	smp_mb();	/* pairs with schedule_check() */
	if (READ_ONCE(gc->asleep) && xchg(&gc->asleep, 0))
		mod_delayed_work(lc_wq, &gc->check, LC_TICK);
	else
		queue_delayed_work(lc_wq, &gc->check, LC_TICK);
}

/*
 * A connection that already has a record needs no other. It is counted when memory is
 * there: its choice is not pending.
 */
static noinline int no_record(struct lc_gc *gc, const struct nf_conn *ct, int err)
{
	struct lc_record_key key;

	lc_ct_key(ct, &key);
	lc_hint_take(lc_record_hash(gc->records, &key));
	return lc_record_exists(gc->records, &key) ? -EEXIST : err;
}

/* The choice was made by another processor, or this one has chosen again. */
static noinline u16 find_choice(struct lc_gc *gc, u32 hash,
				const struct lc_dests *dests)
{
	return lc_pending_take(&gc->healer->pendings, hash, dests) ?:
	       lc_hint_take_elsewhere(hash);
}

/* A translated connection may have been held since it was chosen. */
static bool may_be_held(const struct nf_conn *ct, u16 witnessed)
{
	return witnessed && ct->status & IPS_DST_NAT;
}

/**
 * lc_gc_take_choice() - was a connection's backend chosen by a rule?
 * @gc: the namespace's
 * @ct: the connection's entry
 * @hash: of the key of its record
 * @dests: its backends
 * @witnessed: LC_WITNESSED, or 0
 *
 * Context: any, under rcu_read_lock().
 * Return: the marks of LC_ORIGIN that the rule has left for the record; 0: none has.
 */
u16 lc_gc_take_choice(struct lc_gc *gc, const struct nf_conn *ct, u32 hash,
		      const struct lc_dests *dests, u16 witnessed)
{
	u16 chosen = lc_hint_take(hash);

	if (unlikely(!chosen && may_be_held(ct, witnessed)))
		chosen = find_choice(gc, hash, dests);
	return chosen;
}

static __always_inline int gc_add(struct lc_gc *gc, const struct nf_conn *ct,
				  const struct lc_dests *dests, u16 witnessed)
{
	struct lc_record *record;
	u16 chosen;
	u32 hash;
	int err;

	if (unlikely(lc_records_are_full(gc->records, nf_conntrack_max)))
		return no_record(gc, ct, -ENOSPC);
	record = lc_record_alloc();
	if (unlikely(!record))
		return no_record(gc, ct, -ENOMEM);
	lc_ct_key(ct, &record->key);
	hash = lc_record_hash(gc->records, &record->key);
	chosen = lc_hint_take(hash);
	if (unlikely(!chosen && may_be_held(ct, witnessed))) {
		/* A repetition of the packet, which was held, too, may have been first. */
		if (lc_record_exists(gc->records, &record->key)) {
			lc_record_free(record);
			return -EEXIST;
		}
		chosen = find_choice(gc, hash, dests);
	}
	err = lc_record_add(gc->records, record, dests, lc_ct_phase(ct), hash,
			    witnessed | chosen);
	if (unlikely(err)) {
		lc_hint_restore(hash, chosen);	/* for lc_record_renew() */
		return err;
	}
	if (llist_add(&record->queue, &gc->fresh))
		lc_gc_wake(gc);
	return 0;
}

/**
 * lc_gc_add() - record a connection and check it from now on
 * @gc: the namespace's
 * @ct: the connection's entry
 * @dests: the connection's backends
 * @witnessed: LC_WITNESSED, or 0
 *
 * Context: any, under rcu_read_lock(). Does not sleep.
 * Return: 0; -EEXIST if the connection has a record; another negative errno if it
 *	cannot be recorded.
 */
int lc_gc_add(struct lc_gc *gc, const struct nf_conn *ct,
	      const struct lc_dests *dests, u16 witnessed)
{
	bool bh = lc_packet_bh_disable();
	int err = gc_add(gc, ct, dests, witnessed);

	lc_packet_bh_enable(bh);
	return err;
}

/**
 * lc_gc_init() - set up a namespace's garbage collector
 * @gc: zeroed memory
 * @net: the namespace
 * @records: the namespace's
 * @healer: the namespace's
 *
 * Context: any.
 */
void lc_gc_init(struct lc_gc *gc, struct net *net, struct lc_records *records,
		struct lc_healer *healer)
{
	gc->net = net;
	gc->records = records;
	gc->healer = healer;
	gc->backends = healer->pools->backends;
	init_llist_head(&gc->fresh);
	lc_queue_init(&gc->young);
	lc_queue_init(&gc->old);
	gc->when = jiffies;
	gc->unconfirmed_when = jiffies - LC_UNCONFIRMED - 1;
	INIT_DELAYED_WORK(&gc->check, gc_work);
}

/**
 * lc_gc_exit() - the namespace ends
 * @gc: the namespace's; no hook adds records any more
 *
 * Context: may sleep.
 */
void lc_gc_exit(struct lc_gc *gc)
{
	cancel_delayed_work_sync(&gc->check);
}
