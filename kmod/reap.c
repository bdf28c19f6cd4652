// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reaper keeps records true to conntrack.
 *
 * The hooks see a connection begin and close, but an entry can end without a
 * packet: timeout, deletion, early drop. Nothing tells an outside module, so
 * each record is looked up in conntrack again, at its entry's own expiry or
 * after LC_ROUND ticks, whichever is sooner. Records wait in a wheel of ticks
 * that belongs to the check work alone; new ones reach it over a lockless
 * list. A run checks at most LC_BUDGET records, the rest come first in the next
 * tick: over 100,000 records the round grows longer, not the work per second.
 *
 * Adoption is the other direction: entries that no record speaks of. It walks
 * the conntrack table in process context, when backends appear, soon after a
 * connection could not be recorded, and every LC_WALK for entries that came
 * without a packet. The hooks stand before the first walk, so a connection is
 * seen by one or the other; both at once add the same record.
 */
#define pr_fmt(fmt) "LEASTCONN: " fmt

#include <linux/err.h>
#include <linux/ktime.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"
#include "net.h"
#include "reap.h"

#define LC_TICK		(HZ / 10)
#define LC_ROUND	7U		/* ticks */
#define LC_BUDGET	(100000 / LC_ROUND)
#define LC_WALK		(30 * HZ)
#define LC_WALK_SOON	(HZ / 2)

static struct workqueue_struct *lc_wq;

static struct lc_net *reaper_net(struct lc_reaper *reaper)
{
	return container_of(reaper, struct lc_net, reaper);
}

/* Where a record waits that is due in @ticks, 1 to LC_WHEEL - 1. */
static struct list_head *slot_in(struct lc_reaper *reaper, unsigned int ticks)
{
	return &reaper->wheel[(reaper->tick - 1 + ticks) & (LC_WHEEL - 1)];
}

/* Every slot whose tick has come, at most one round of the wheel. */
static void take_due(struct lc_reaper *reaper, struct list_head *due)
{
	unsigned long ticks;
	unsigned int i;

	if (time_before(jiffies, reaper->when))
		return;
	ticks = (jiffies - reaper->when) / LC_TICK + 1;
	reaper->when += ticks * LC_TICK;
	for (i = 0; i < min_t(unsigned long, ticks, LC_WHEEL); i++)
		list_splice_tail_init(&reaper->wheel[(reaper->tick + i) &
						     (LC_WHEEL - 1)], due);
	reaper->tick += ticks;
}

static void take_fresh(struct lc_reaper *reaper)
{
	struct llist_node *fresh = llist_del_all(&reaper->fresh);
	struct lc_record *record, *next;

	/* They have waited a tick already. */
	llist_for_each_entry_safe(record, next, fresh, fresh)
		list_add_tail(&record->due, slot_in(reaper, LC_ROUND - 1));
}

/* Conntrack's word on a connection that is still there; false: nobody's load */
static bool correct(struct lc_net *ln, struct lc_record *record,
		    const struct nf_conn *ct, enum lc_phase phase)
{
	struct lc_load load = record->load;

	lockdep_assert_held(&record->lock);

	if (!lc_entry_fits(ct, &load))
		lc_entry_load(&ln->backends, ct, &load);
	else if (phase == record->phase)
		return true;
	lc_record_set(record, &load, phase, false);
	return record->load.server || record->load.host;
}

/*
 * Ticks until the record is due again; 0: it counts no more. The first miss is
 * forgiven: the packet may be held up between our hook and the confirmation.
 */
static unsigned int judge(struct lc_net *ln, struct lc_record *record,
			  const struct nf_conn *ct)
{
	enum lc_phase phase = ct ? lc_entry_phase(ct) : LC_ENDED;
	unsigned int ticks = 0;

	lockdep_assert_held(&record->lock);

	if (phase == LC_ENDED)
		ticks = !record->checked;
	else if (correct(ln, record, ct, phase))
		ticks = clamp_t(unsigned long,
				DIV_ROUND_UP(nf_ct_expires(ct), LC_TICK),
				1, LC_ROUND);
	record->checked = true;
	return ticks;
}

/*
 * Looked up without the record's lock, judged and taken out under it: whoever
 * renews the record meanwhile is heard.
 */
static void check_record(struct lc_net *ln, struct lc_record *record)
{
	struct nf_conn *ct = lc_entry_get(ln->net, &record->key);
	unsigned int ticks;

	list_del(&record->due);
	rcu_read_lock();
	spin_lock_bh(&record->lock);
	ticks = judge(ln, record, ct);
	if (ticks)
		list_add_tail(&record->due, slot_in(&ln->reaper, ticks));
	else
		lc_record_del(&ln->records, record);
	spin_unlock_bh(&record->lock);
	rcu_read_unlock();
	if (ct)
		nf_ct_put(ct);
}

static void check_due(struct lc_net *ln, struct list_head *due)
{
	unsigned int left = LC_BUDGET;

	while (left-- && !list_empty(due)) {
		check_record(ln, list_first_entry(due, struct lc_record, due));
		cond_resched();
	}
}

static void check_work(struct work_struct *work)
{
	struct lc_reaper *reaper = container_of(to_delayed_work(work),
						struct lc_reaper, check);
	struct lc_net *ln = reaper_net(reaper);
	LIST_HEAD(due);

	take_due(reaper, &due);
	take_fresh(reaper);
	check_due(ln, &due);
	list_splice(&due, slot_in(reaper, 1));

	/* A record that comes now finds @fresh empty and queues the work. */
	if (lc_records_count(&ln->records))
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
static int no_record(struct lc_net *ln, const struct nf_conn *ct,
		     const struct lc_load *load, int err)
{
	struct lc_record_key key;

	if (err == -EEXIST)
		return err;
	lc_entry_key(ct, &key);
	if (lc_record_find(&ln->records, &key))
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

	record = lc_record_alloc(&ln->records, nf_conntrack_max);
	if (IS_ERR(record))
		return no_record(ln, ct, load, PTR_ERR(record));
	lc_entry_key(ct, &record->key);
	err = lc_record_add(&ln->records, record, load, lc_entry_phase(ct));
	if (err)
		return no_record(ln, ct, load, err);
	if (llist_add(&record->fresh, &reaper->fresh))
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
	bool soon;
	u64 took;

	lockdep_assert_held(&reaper->walking);

	soon = atomic_xchg(&reaper->missed, 0);
	lc_backends_age(&ln->backends);
	nf_ct_iterate_cleanup_net(adopt_entry, &entries);
	lc_backends_forget(&ln->backends);
	took = ktime_to_ns(ktime_sub(ktime_get(), start));
	WRITE_ONCE(reaper->rested, jiffies + min_t(u64, HZ / 2,
						   nsecs_to_jiffies64(10 * took)));
	WRITE_ONCE(reaper->adopted, created);

	/* Whoever was missed just before may not have been confirmed yet. */
	if (soon)
		mod_delayed_work(lc_wq, &reaper->adopt, LC_WALK_SOON);
	else
		queue_delayed_work(lc_wq, &reaper->adopt, LC_WALK);
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
 * lc_reap_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_reap_init(void)
{
	BUILD_BUG_ON(LC_ROUND >= LC_WHEEL);
	BUILD_BUG_ON(LC_WHEEL & (LC_WHEEL - 1));

	lc_wq = alloc_workqueue("leastconn", WQ_UNBOUND, 0);
	return lc_wq ? 0 : -ENOMEM;
}

/**
 * lc_reap_exit() - the module goes, after all its namespaces
 */
void lc_reap_exit(void)
{
	destroy_workqueue(lc_wq);
}

/**
 * lc_reaper_init() - make a namespace's reaper ready
 * @reaper: zeroed memory
 *
 * Context: any.
 */
void lc_reaper_init(struct lc_reaper *reaper)
{
	unsigned int i;

	init_llist_head(&reaper->fresh);
	for (i = 0; i < LC_WHEEL; i++)
		INIT_LIST_HEAD(&reaper->wheel[i]);
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
