// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reaper keeps records true to conntrack.
 *
 * The hooks see a connection begin and close, but an entry can end without a
 * packet: timeout, deletion, early drop. Nothing tells an outside module, so
 * each record is looked up in conntrack again every LC_ROUND ticks. Until then
 * it waits in a queue that belongs to the check work alone, and, as all wait
 * equally long, in the order of the ticks that they are due in; new ones reach it
 * over a lockless list. A run checks about LC_BUDGET records at most, the rest
 * come first in the next tick: over 100,000 records the round grows longer, not
 * the work per second.
 *
 * Nearly always nothing has changed since the last look, and one into the bucket
 * where the entry was is enough to see that.
 *
 * Adoption is the other direction: entries that no record speaks of. It walks
 * the conntrack table in process context, when backends appear, soon after a
 * connection could not be recorded, and every LC_WALK for entries that came
 * without a packet; less often where a walk takes long. The hooks stand before
 * the first walk, so a connection is seen by one or the other; both at once add
 * the same record.
 */
#define pr_fmt(fmt) "LEASTCONN: " fmt

#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/prefetch.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"
#include "fail.h"
#include "net.h"
#include "reap.h"

#define LC_TICK		(HZ / 10)
#define LC_ROUND	7U		/* ticks */
#define LC_PATIENCE	3U		/* looks, one a tick, until 0.8 to 0.9 s */
#define LC_RETURN	6U		/* rounds, 4.2 s: a client's third pause is 4 s */
#define LC_BUDGET	(100000 / LC_ROUND)
#define LC_BATCH	16U		/* without giving way */
#define LC_WALK		(30 * HZ)
#define LC_WALK_PAUSE	100	/* times what a walk took, at least */
#define LC_WALK_SOON	(HZ / 2)

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
		queue_add(&reaper->queue, first, last);
}

static bool is_due(const struct lc_reaper *reaper)
{
	struct llist_node *first = reaper->queue.first;

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

static void check_first(struct lc_net *ln, struct lc_queue *again)
{
	const u8 known = LC_YOUNG | LC_CHECKED | LC_WAITED;
	struct lc_reaper *reaper = &ln->reaper;
	struct llist_node *node = queue_del_first(&reaper->queue);
	struct lc_record *record = queued(node);
	enum lc_verdict verdict = LC_KEEP;

	if ((READ_ONCE(record->marks) & known) != LC_CHECKED ||
	    !lc_entry_stands(ln->net, record))
		verdict = check_record(ln, record);
	if (verdict == LC_KEEP || verdict == LC_FAIL) {
		record->due = reaper->tick + LC_ROUND;
		queue_add(&reaper->queue, node, node);
	} else if (verdict == LC_AGAIN) {
		record->due = reaper->tick + 1;
		queue_add(again, node, node);
	}
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
 * is looked at, entries here. @most: a batch or less.
 *
 * Return: how many of @most were left.
 */
static unsigned int check_batch(struct lc_net *ln, unsigned int most,
				struct lc_queue *again)
{
	struct llist_node *ahead = ln->reaper.queue.first;
	const struct lc_record *record;
	u32 buckets[LC_BATCH];
	unsigned int n = 0;

	rcu_read_lock();
	local_bh_disable();
	for (; ahead && n < most; ahead = ahead->next) {
		record = queued(ahead);
		buckets[n++] = record->bucket;
		/* Not known: it is young. */
		if (!record->bucket)
			lc_record_expect_age(&ln->records, record);
	}
	lc_entries_expect(buckets, n);
	for (; most && is_due(&ln->reaper); most--) {
		check_first(ln, again);
		if (ahead)
			ahead = look_ahead(ahead);
	}
	local_bh_enable();
	rcu_read_unlock();
	return most;
}

static void check_due(struct lc_net *ln)
{
	struct lc_reaper *reaper = &ln->reaper;
	struct lc_queue again = { .end = &again.first };
	unsigned int batches = LC_BUDGET / LC_BATCH;

	while (batches-- && !check_batch(ln, LC_BATCH, &again))
		cond_resched();
	while (again.first)
		queue_add_first(&reaper->queue, queue_del_first(&again));
}

static void check_work(struct work_struct *work)
{
	struct lc_reaper *reaper = container_of(to_delayed_work(work),
						struct lc_reaper, check);
	struct lc_net *ln = reaper_net(reaper);

	take_ticks(reaper);
	take_fresh(reaper);
	check_due(ln);
	lc_net_changed(ln);

	/* A record that comes now finds @fresh empty and queues the work. */
	if (reaper->queue.first)
		queue_delayed_work(lc_wq, &reaper->check, LC_TICK);
}

static void missed(struct lc_reaper *reaper, const struct lc_load *load,
		   int err)
{
	pr_warn_ratelimited("connection not recorded (error %d): it is translated and counted, its end is seen late\n",
			    err);
	if (load->server)
		lc_backend_miss(load->server);
	if (load->host)
		lc_backend_miss(load->host);
	if (!atomic_xchg(&reaper->missed, 1))
		mod_delayed_work(lc_wq, &reaper->adopt, LC_WALK_SOON);
}

/* Not missed is who is recorded already, and needs no room for another. */
static noinline int no_record(struct lc_net *ln, const struct nf_conn *ct,
			      const struct lc_load *load, int err)
{
	struct lc_record_key key;

	lc_entry_key(ct, &key);
	if (lc_record_is(&ln->records, &key))
		return -EEXIST;
	missed(&ln->reaper, load, err);
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
		queue_delayed_work(lc_wq, &reaper->check, LC_TICK);
	return 0;
}

/* Called under a conntrack bucket lock. */
static int adopt_entry(struct nf_conn *ct, void *data)
{
	struct lc_net *ln = data;
	struct lc_record_key key;
	struct lc_load load;

	/* The loser of a clash stands in for the winner's replies only. */
	if (nf_ct_is_dying(ct) || nf_ct_is_expired(ct) ||
	    test_bit(IPS_NAT_CLASH_BIT, &ct->status))
		return 0;

	rcu_read_lock();
	if (lc_entry_load(&ln->backends, ct, &load)) {
		lc_entry_key(ct, &key);
		if (!lc_record_renew(&ln->records, &key, &load,
				     lc_entry_phase(ct), false))
			lc_reap_add(ln, ct, &load);
	}
	rcu_read_unlock();
	return 0;	/* delete nothing */
}

/* Walks take at most a tenth of the time, but never wait longer than half a
 * second, so that the rules of a large rule set do not pay for a walk each.
 */
static void walk(struct lc_net *ln)
{
	struct lc_reaper *reaper = &ln->reaper;
	unsigned int created = READ_ONCE(ln->backends.created);
	ktime_t start = ktime_get();
	struct nf_ct_iter_data entries = {
		.net	= ln->net,
		.data	= ln,
	};
	u64 took, pause;
	bool soon;

	lockdep_assert_held(&reaper->walking);

	soon = atomic_xchg(&reaper->missed, 0);
	lc_backends_age(&ln->backends);
	nf_ct_iterate_cleanup_net(adopt_entry, &entries);
	lc_backends_forget(&ln->backends);
	took = ktime_to_ns(ktime_sub(ktime_get(), start));
	WRITE_ONCE(reaper->rested, jiffies + min_t(u64, HZ / 2,
						   nsecs_to_jiffies64(10 * took)));
	WRITE_ONCE(reaper->adopted, created);
	pause = max_t(u64, LC_WALK, nsecs_to_jiffies64(LC_WALK_PAUSE * took));

	/* Whoever was missed just before may not have been confirmed yet. */
	if (soon)
		mod_delayed_work(lc_wq, &reaper->adopt, LC_WALK_SOON);
	else
		queue_delayed_work(lc_wq, &reaper->adopt, pause);
}

static void adopt_work(struct work_struct *work)
{
	struct lc_reaper *reaper = container_of(to_delayed_work(work),
						struct lc_reaper, adopt);
	struct lc_net *ln = reaper_net(reaper);

	if (list_empty_careful(&ln->backends.list))
		return;
	mutex_lock(&reaper->walking);
	walk(ln);
	mutex_unlock(&reaper->walking);
}

/**
 * lc_reap_adopt() - count the connections that backends which appeared have
 * @ln: the namespace, hooks in place
 *
 * They are counted on return, unless a walk of a large table has only just
 * ended: then within half a second.
 *
 * Context: process, may sleep.
 */
void lc_reap_adopt(struct lc_net *ln)
{
	struct lc_reaper *reaper = &ln->reaper;
	unsigned long rested;

	mutex_lock(&reaper->walking);
	rested = reaper->rested;
	if (reaper->adopted == READ_ONCE(ln->backends.created))
		queue_delayed_work(lc_wq, &reaper->adopt, LC_WALK);
	else if (time_before(jiffies, rested))
		mod_delayed_work(lc_wq, &reaper->adopt, rested - jiffies);
	else
		walk(ln);
	mutex_unlock(&reaper->walking);
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
	reaper->queue.end = &reaper->queue.first;
	reaper->when = jiffies;
	reaper->rested = jiffies;
	INIT_DELAYED_WORK(&reaper->check, check_work);
	INIT_DELAYED_WORK(&reaper->adopt, adopt_work);
	mutex_init(&reaper->walking);
}

/**
 * lc_reaper_exit() - the namespace goes
 * @reaper: its reaper; no hook is left to give it work
 *
 * Context: may sleep.
 */
void lc_reaper_exit(struct lc_reaper *reaper)
{
	cancel_delayed_work_sync(&reaper->adopt);
	cancel_delayed_work_sync(&reaper->check);
}
