// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reaper keeps records true to conntrack.
 *
 * The hooks see a connection begin and close, but an entry can end without a
 * packet: timeout, deletion, early drop. Nothing tells an outside module, so
 * each record is looked up in conntrack again every LC_ROUND ticks. Until then
 * it waits in a queue that belongs to the check work alone, in the order of the
 * ticks that records are due in; new ones reach it over a lockless list. A run
 * checks about LC_BUDGET old records at most, the rest come first in the next tick:
 * over 100,000 records the round grows longer, not the work per second. The young
 * have a queue of their own, so that their first look does not wait for the old: it
 * is then that silent backends are found out.
 *
 * Nearly always nothing has changed since the last look, and one into the bucket
 * where the entry was is enough to see that.
 *
 * Between looks the work sleeps: where there are no more than LC_BUDGET old records
 * and no new one comes, it runs once in LC_ROUND ticks.
 */
#define pr_fmt(fmt) "LEASTCONN: " fmt

#include <linux/err.h>
#include <linux/prefetch.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"
#include "fail.h"
#include "net.h"
#include "reap.h"
#include "share.h"

#define LC_TICK		(HZ / 10)
#define LC_ROUND	7U		/* ticks */
#define LC_PATIENCE	3U		/* looks, one a tick, until 0.8 to 0.9 s */
#define LC_RETURN	7U		/* rounds, over 4.2 s: a client's third pause is 4 s */
#define LC_BUDGET	(100000 / LC_ROUND)
#define LC_YOUNG_BUDGET	(4 * LC_BUDGET)
#define LC_YOUNG_DEAR	8U		/* times what a look at an old one costs */
#define LC_BATCH	16U		/* without giving way */
#define LC_SEATS	16U		/* that are updated in the time of a look */

static struct lc_net *reaper_net(struct lc_reaper *reaper)
{
	return container_of(reaper, struct lc_net, reaper);
}

static void queue_add(struct lc_queue *queue, struct llist_node *first,
		      struct llist_node *last)
{
	last->next = NULL;
	*queue->end = first;
	queue->end = &last->next;
}

static void queue_add_first(struct lc_queue *queue, struct llist_node *node)
{
	node->next = queue->first;
	queue->first = node;
	if (!node->next)
		queue->end = &node->next;
}

static struct llist_node *queue_del_first(struct lc_queue *queue)
{
	struct llist_node *node = queue->first;

	queue->first = node->next;
	if (!queue->first)
		queue->end = &queue->first;
	return node;
}

static struct lc_record *queued(struct llist_node *node)
{
	return llist_entry(node, struct lc_record, queue);
}

static void take_ticks(struct lc_reaper *reaper)
{
	unsigned long ticks = (jiffies - reaper->when) / LC_TICK;

	reaper->tick += ticks;
	reaper->when += ticks * LC_TICK;
}

/* They have waited a tick already. */
static void take_fresh(struct lc_reaper *reaper)
{
	struct llist_node *first = llist_del_all(&reaper->fresh);
	struct llist_node *node, *last = NULL;

	for (node = first; node; node = node->next) {
		queued(node)->due = reaper->tick + LC_ROUND - 1;
		last = node;
	}
	if (first)
		queue_add(&reaper->young, first, last);
}

static bool is_due(const struct lc_reaper *reaper, const struct lc_queue *queue)
{
	struct llist_node *first = queue->first;

	return first && (s16)(queued(first)->due - reaper->tick) <= 0;
}

/* Conntrack's word on a connection that is still there; false: nobody's load */
static bool correct(struct lc_net *ln, struct lc_record *record,
		    const struct nf_conn *ct, enum lc_phase phase)
{
	struct lc_load load = record->load;

	if (!lc_entry_fits(ct, &load))
		lc_entry_load(&ln->backends, ct, &load);
	lc_record_set(&ln->records, record, &load, phase);
	return record->load.server || record->load.host;
}

enum lc_verdict {
	LC_KEEP,
	LC_AGAIN,	/* in the next tick */
	LC_FAIL,	/* no answer, and kept */
	LC_REMOVE,
};

static unsigned int waited(const struct lc_record *record)
{
	return FIELD_GET(LC_WAITED, record->marks);
}

static void set_waited(struct lc_record *record, unsigned int times)
{
	WRITE_ONCE(record->marks, (record->marks & ~LC_WAITED) |
				  FIELD_PREP(LC_WAITED, times));
}

static void mark(struct lc_record *record, u8 mark)
{
	WRITE_ONCE(record->marks, record->marks | mark);
}

/*
 * The first miss is forgiven: the packet may be held up between our hook and
 * the confirmation. Who was taken from a backend is given time to try again.
 */
static enum lc_verdict judge_missing(struct lc_record *record)
{
	if (lc_record_waits(record) && waited(record) < LC_RETURN) {
		set_waited(record, waited(record) + 1);
		return LC_KEEP;
	}
	if (record->marks & LC_CHECKED)
		return LC_REMOVE;
	mark(record, LC_CHECKED);
	return LC_AGAIN;
}

/* A client whose first packet gets no answer sends it again after a second. */
static enum lc_verdict judge_silence(struct lc_record *record)
{
	if (waited(record) + 1 < LC_PATIENCE) {
		set_waited(record, waited(record) + 1);
		return LC_AGAIN;
	}
	set_waited(record, 0);
	mark(record, LC_FAILED);
	return LC_FAIL;
}

/* UDP may well be a one-way street: its backend is judged only if asked for. */
static bool is_judged(const struct lc_record *record)
{
	const struct lc_backend *server = record->load.server;

	return record->key.proto == IPPROTO_TCP ||
	       (server && READ_ONCE(server->watched));
}

/* News only at the first looks; who has failed once has failed. */
static enum lc_verdict judge_answer(struct lc_net *ln, struct lc_record *record,
				    const struct nf_conn *ct)
{
	if (!is_judged(record) || record->marks & LC_FAILED)
		return LC_KEEP;
	if (lc_entry_is_silent(ct))
		return judge_silence(record);
	set_waited(record, 0);
	if (!lc_entry_answers(ct))
		return LC_KEEP;
	if (record->load.server)
		lc_health_answers(ln, record->load.server);
	if (record->load.host)
		lc_health_answers(ln, record->load.host);
	return LC_KEEP;
}

static enum lc_verdict judge(struct lc_net *ln, struct lc_record *record,
			     const struct nf_conn *ct)
{
	enum lc_phase phase = ct ? lc_entry_phase(ct) : LC_ENDED;
	bool first = !(record->marks & LC_CHECKED) || waited(record);
	enum lc_verdict verdict = LC_KEEP;

	if (lc_record_gives_way(&ln->records, record))
		return LC_REMOVE;
	if (phase == LC_ENDED)
		return judge_missing(record);
	record->bucket = lc_entry_bucket(ct);
	if (!correct(ln, record, ct, phase))
		verdict = LC_REMOVE;
	else if (first)
		verdict = judge_answer(ln, record, ct);
	/* Not before: a correction of twins is no further connection. */
	mark(record, LC_CHECKED);
	return verdict;
}

/*
 * Looked up without the record's lock, judged and taken out under it: whoever
 * renews the record meanwhile is heard.
 */
static enum lc_verdict check_record(struct lc_net *ln, struct lc_record *record)
{
	struct nf_conn *ct = lc_entry_get(ln->net, &record->key);
	spinlock_t *lock = lc_record_lock(&ln->records, &record->key);
	enum lc_verdict verdict;
	bool stays = true;

	spin_lock_bh(lock);
	verdict = judge(ln, record, ct);
	if (verdict == LC_REMOVE)
		lc_record_del(&ln->records, record);
	else if (verdict != LC_AGAIN)
		stays = lc_record_age(&ln->records, record);
	spin_unlock_bh(lock);
	if (verdict == LC_FAIL && lc_fail(ln, ct, LEASTCONN_REASON_UNANSWERED))
		nf_ct_kill(ct);
	if (ct)
		nf_ct_put(ct);
	return stays ? verdict : LC_REMOVE;
}

/*
 * When to look again. As many as one run checks at most are looked at in the same
 * ticks, so that the work can sleep in between; more of them are spread.
 */
static u16 next_look(const struct lc_net *ln)
{
	const struct lc_reaper *reaper = &ln->reaper;
	u16 due = reaper->tick + LC_ROUND;

	if (lc_table_count(&ln->records.old) <= LC_BUDGET)
		due -= reaper->tick % LC_ROUND;
	/* The queue is in the order of ticks. */
	if (reaper->old.first && (s16)(due - reaper->last) < 0)
		due = reaper->last;
	return due;
}

/* A record that changes updates all seats of its backends. Return: that cost, in looks. */
static unsigned int more_looks(const struct lc_record *record)
{
	const struct lc_load *load = &record->load;

	return ((load->server ? READ_ONCE(load->server->n_seats) : 0) +
		(load->host ? READ_ONCE(load->host->n_seats) : 0)) / LC_SEATS;
}

/* Return: its cost beyond one look, in looks. */
static unsigned int check_first(struct lc_net *ln, struct lc_queue *queue,
				struct lc_queue *again)
{
	const u8 known = LC_YOUNG | LC_CHECKED | LC_WAITED;
	struct lc_reaper *reaper = &ln->reaper;
	struct llist_node *node = queue_del_first(queue);
	struct lc_record *record = queued(node);
	enum lc_verdict verdict = LC_KEEP;
	unsigned int more = 0;

	if ((READ_ONCE(record->marks) & known) != LC_CHECKED ||
	    !lc_entry_stands(ln->net, record)) {
		more = more_looks(record);
		verdict = check_record(ln, record);
	}
	if (verdict == LC_KEEP || verdict == LC_FAIL) {
		record->due = reaper->last;
		queue_add(&reaper->old, node, node);
	} else if (verdict == LC_AGAIN) {
		record->due = reaper->tick + 1;
		queue_add(again, node, node);
	}
	return more;
}

/* Fetches the bucket of @node's record, and the record after it. */
static struct llist_node *look_ahead(struct llist_node *node)
{
	lc_entry_expect_bucket(queued(node)->bucket);
	node = node->next;
	prefetch(queued(node));
	prefetch(node);
	return node;
}

/*
 * Where there are many, a look costs what it takes to reach record, bucket and
 * entry. So they are fetched ahead: records and buckets while the batch before
 * is looked at, entries here.
 */
static void check_batch(struct lc_net *ln, struct lc_queue *queue,
			struct lc_queue *again)
{
	struct llist_node *ahead = queue->first;
	const struct lc_record *record;
	u32 buckets[LC_BATCH];
	unsigned int n = 0;

	rcu_read_lock();
	local_bh_disable();
	for (; ahead && n < LC_BATCH; ahead = ahead->next) {
		record = queued(ahead);
		buckets[n++] = record->bucket;
		/* Not known: it is young. */
		if (!record->bucket)
			lc_record_expect_age(&ln->records, record);
	}
	lc_entries_expect(buckets, n);
	for (n = 0; n < LC_BATCH && is_due(&ln->reaper, queue); n++) {
		n += check_first(ln, queue, again);
		if (ahead)
			ahead = look_ahead(ahead);
	}
	local_bh_enable();
	rcu_read_unlock();
}

/* Those of a queue that are due, but no more than @most. @dear: a look is so dear. */
static void check_queue(struct lc_net *ln, struct lc_queue *queue,
			unsigned int most, unsigned int dear)
{
	struct lc_queue again = { .end = &again.first };
	unsigned int batches = most / LC_BATCH;
	u64 begun;

	while (batches-- && is_due(&ln->reaper, queue) &&
	       (begun = lc_share_begin_looks(ln->share))) {
		check_batch(ln, queue, &again);
		lc_share_end_looks(ln->share, LC_BATCH * dear, begun);
		cond_resched();
	}
	while (again.first)
		queue_add_first(queue, queue_del_first(&again));
}

/* Ticks until the first of a queue is due. */
static unsigned int ticks_left(const struct lc_reaper *reaper,
			       const struct lc_queue *queue)
{
	s16 left = LC_ROUND;

	if (queue->first)
		left = queued(queue->first)->due - reaper->tick;
	return clamp_t(s16, left, 1, LC_ROUND);
}

/*
 * Sleep until the first record is due. A new one has to be taken after a tick: see
 * take_fresh().
 */
static void go_to_sleep(struct lc_reaper *reaper)
{
	unsigned int ticks = min(ticks_left(reaper, &reaper->young),
				 ticks_left(reaper, &reaper->old));

	WRITE_ONCE(reaper->asleep, ticks > 1);
	smp_mb();	/* pairs with lc_reap_wake() */
	if (!llist_empty(&reaper->fresh))
		ticks = 1;
	queue_delayed_work(lc_wq, &reaper->check, ticks * LC_TICK);
}

static void check_work(struct work_struct *work)
{
	struct lc_reaper *reaper = container_of(to_delayed_work(work),
						struct lc_reaper, check);
	struct lc_net *ln = reaper_net(reaper);

	WRITE_ONCE(reaper->asleep, 0);
	take_ticks(reaper);
	take_fresh(reaper);
	reaper->last = next_look(ln);
	check_queue(ln, &reaper->young, LC_YOUNG_BUDGET, LC_YOUNG_DEAR);
	check_queue(ln, &reaper->old, LC_BUDGET, 1);
	lc_net_loads_changed(ln);

	/* A record that comes now finds @fresh empty and queues the work. */
	if (reaper->young.first || reaper->old.first)
		go_to_sleep(reaper);
}

/**
 * lc_reap_wake() - look within a tick whether something has changed
 * @reaper: a namespace's
 *
 * Context: any.
 */
void lc_reap_wake(struct lc_reaper *reaper)
{
	smp_mb();	/* pairs with go_to_sleep() */
	if (READ_ONCE(reaper->asleep) && xchg(&reaper->asleep, 0))
		mod_delayed_work(lc_wq, &reaper->check, LC_TICK);
	else
		queue_delayed_work(lc_wq, &reaper->check, LC_TICK);
}

static void missed(struct lc_net *ln, const struct lc_load *load, int err)
{
	pr_warn_ratelimited("connection not recorded (error %d): it is translated and counted, its end is seen late\n",
			    err);
	if (load->server)
		lc_backend_miss(load->server);
	if (load->host)
		lc_backend_miss(load->host);
	lc_scan_missed(ln);
}

/* Not missed is who is recorded already, and needs no room for another. */
static noinline int no_record(struct lc_net *ln, const struct nf_conn *ct,
			      const struct lc_load *load, int err)
{
	struct lc_record_key key;

	lc_entry_key(ct, &key);
	if (lc_record_is(&ln->records, &key))
		return -EEXIST;
	missed(ln, load, err);
	return err;
}

/**
 * lc_reap_add() - record a connection and keep an eye on it
 * @ln: its namespace
 * @ct: its entry
 * @load: the backends it is a load of
 *
 * Context: any, under rcu_read_lock(). Does not sleep.
 * Return: 0; -EEXIST when it is recorded already; another negative errno when
 *	it is counted without a record until the next walk.
 */
int lc_reap_add(struct lc_net *ln, const struct nf_conn *ct,
		const struct lc_load *load)
{
	struct lc_reaper *reaper = &ln->reaper;
	struct lc_record *record;
	int err;

	if (unlikely(lc_records_are_full(&ln->records, nf_conntrack_max)))
		return no_record(ln, ct, load, -ENOSPC);
	record = lc_record_alloc();
	if (unlikely(!record))
		return no_record(ln, ct, load, -ENOMEM);
	lc_entry_key(ct, &record->key);
	err = lc_record_add(&ln->records, record, load, lc_entry_phase(ct));
	if (unlikely(err))
		return err;
	if (llist_add(&record->queue, &reaper->fresh))
		lc_reap_wake(reaper);
	return 0;
}

/**
 * lc_reaper_init() - make a namespace's reaper ready
 * @reaper: zeroed memory
 *
 * Context: any.
 */
void lc_reaper_init(struct lc_reaper *reaper)
{
	init_llist_head(&reaper->fresh);
	reaper->young.end = &reaper->young.first;
	reaper->old.end = &reaper->old.first;
	reaper->when = jiffies;
	INIT_DELAYED_WORK(&reaper->check, check_work);
}

/**
 * lc_reaper_exit() - the namespace goes
 * @reaper: its reaper; no hook is left to give it work
 *
 * Context: may sleep.
 */
void lc_reaper_exit(struct lc_reaper *reaper)
{
	cancel_delayed_work_sync(&reaper->check);
}
