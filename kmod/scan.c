// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adoption: scans of conntrack's table for connections without a record.
 *
 * A connection has no record if its backend has just appeared, if its entry came
 * without a packet (conntrackd), or if there was no memory for a record. The hooks
 * are registered before the first scan, so that either a hook or the scan sees a
 * connection; if both do, they add the same record once.
 *
 * When a backend appears, the process that brought it scans the table for its own
 * namespace, so that counts are right from the start. It stops after LC_WALK_NOW
 * slices. In a burst of rules it pauses ten times as long as the last scan took,
 * LC_SCAN_SOON at most. One scanner for the whole host does the rest. It visits each
 * entry once, whatever the number of namespaces, and hands the entry to the
 * namespace it belongs to. It takes 1 % of a processor in the mean, and 10 % while
 * it has taken less before.
 */
#define pr_fmt(fmt) "LEASTCONN: " fmt

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "ct.h"
#include "report.h"
#include "scan.h"
#include "walk.h"

/* Between two passes that nothing has requested. */
#define LC_SCAN_PERIOD	(30 * HZ)
#define LC_SCAN_SOON	(HZ / 4)
/* Entries that the scanner visits before it pauses: some 0.5 ms. */
#define LC_SCAN_RUN	4096U
/* The most that a visit costs, in nanoseconds; the rest is time of other processes. */
#define LC_SCAN_VISIT	1000U
/* Nanoseconds that the scanner may take beyond 1 %. */
#define LC_SCAN_CREDIT	((s64)NSEC_PER_SEC)

/**
 * struct scanner - scans the table for all namespaces
 * @lock: protects @scans; held for a run of @work, so that a namespace that ends
 *	waits for the run
 * @scans: the namespaces to scan for
 * @lookup: a namespace's part
 * @work: a part of a pass
 * @walk: the position of the pass; @work's alone
 * @active: a pass has begun and not ended
 * @requested: a pass was requested since the last one began
 * @credit: nanoseconds that may be taken at ten times the pace; @work's alone
 * @when: nanoseconds, when @credit was last updated; @work's alone
 */
static struct scanner {
	struct mutex		lock;	/* scans, and a run of work */
	struct list_head	scans;
	struct lc_scan		*(*lookup)(const struct net *net);
	struct delayed_work	work;
	struct lc_walk		walk;
	bool			active;
	bool			requested;
	s64			credit;
	u64			when;
} scanner;

/* A queue of its own: waiting for a pass must not delay the checks of lc_wq. */
static struct workqueue_struct *scan_wq;

/* Updates of pools that cost as much as a visit. */
#define LC_UPDATES_PER_VISIT	16

/* A connection without a record may be a stale one: it is counted once. */
static void take_from_stale(const struct lc_dests *dests)
{
	if (dests->exact)
		lc_backend_drop_stale(dests->exact);
	if (dests->any_port)
		lc_backend_drop_stale(dests->any_port);
}

static void adopt_new(struct lc_scan *scan, const struct nf_conn *ct,
		      const struct lc_dests *dests, bool by_scanner)
{
	int err = lc_gc_add(scan->gc, ct, dests, 0);

	if (err == -EEXIST || (err && by_scanner && !scan->counts))
		return;
	if (err)
		lc_scan_count_missed(scan, dests, err);
	if (by_scanner)
		take_from_stale(dests);
}

/* Called under a conntrack bucket lock. Return: its cost, see lc_walk_slice(). */
static int adopt(struct lc_scan *scan, struct nf_conn *ct, bool by_scanner)
{
	struct lc_gc *gc = scan->gc;
	struct lc_record_key key;
	struct lc_dests dests;
	int updates;

	/* The loser of a clash only translates replies to the winner. */
	if (nf_ct_is_expired(ct) || test_bit(IPS_NAT_CLASH_BIT, &ct->status) ||
	    !lc_ct_dests(gc->backends, ct, &dests))
		return 0;
	lc_ct_key(ct, &key);
	updates = lc_record_renew(gc->records, &key, &dests, lc_ct_phase(ct), false, 0);
	if (updates < 0) {
		adopt_new(scan, ct, &dests, by_scanner);
		updates = lc_dests_updates(&dests);
	}
	return updates / LC_UPDATES_PER_VISIT;
}

static int adopt_own(struct nf_conn *ct, void *data)
{
	struct lc_scan *scan = data;

	return net_eq(nf_ct_net(ct), scan->gc->net) ? adopt(scan, ct, false) : 0;
}

/* A namespace that has left the scanner may still have entries. */
static int adopt_any(struct nf_conn *ct, void *data)
{
	struct lc_scan *scan = scanner.lookup(nf_ct_net(ct));

	return READ_ONCE(scan->joined) ? adopt(scan, ct, true) : 0;
}

/*
 * Missed connections are counted until a pass that began later has ended. If the
 * backends' lock is taken, the namespace waits for the next pass, and this one does not
 * count them again: the host must not wait for a namespace.
 */
static void stash_missed(struct lc_scan *scan)
{
	struct lc_backends *backends = scan->gc->backends;

	scan->generation = READ_ONCE(backends->generation);
	scan->counts = !scan->stashed && !atomic_read(&scan->missed);
	if (scan->stashed || scan->counts || !mutex_trylock(&backends->lock))
		return;
	atomic_set(&scan->missed, 0);
	lc_backends_stash_missed(backends);
	scan->stashed = true;
	scan->counts = true;
	mutex_unlock(&backends->lock);
}

static void drop_stale(struct lc_scan *scan)
{
	struct lc_backends *backends = scan->gc->backends;
	struct lc_healer *healer = scan->gc->healer;
	struct lc_backend *backend;

	/* The namespace may have joined, or scanned, since the pass began. */
	if ((int)(scan->generation - scan->adopted) > 0)
		WRITE_ONCE(scan->adopted, scan->generation);
	if (!scan->stashed || !mutex_trylock(&backends->lock))
		return;
	while ((backend = lc_backends_drop_next_stale(backends))) {
		lc_report_outdated(healer, backend);
		lc_backend_put(backend);
	}
	scan->stashed = false;
	mutex_unlock(&backends->lock);
	lc_healer_check(healer);
	/* The last ones may not have been confirmed when they were visited. */
	WRITE_ONCE(scanner.requested, true);
}

static void call_for_scans(void (*function)(struct lc_scan *scan))
{
	struct lc_scan *scan;

	lockdep_assert_held(&scanner.lock);

	list_for_each_entry(scan, &scanner.scans, list)
		function(scan);
}

static void begin_pass(void)
{
	WRITE_ONCE(scanner.active, true);
	WRITE_ONCE(scanner.requested, false);
	scanner.walk = (struct lc_walk) {};
	call_for_scans(stash_missed);
}

/* Return: true if another pass is needed. */
static bool has_missed(void)
{
	const struct lc_scan *scan;

	list_for_each_entry(scan, &scanner.scans, list)
		if (scan->stashed || atomic_read(&scan->missed))
			return true;
	return false;
}

static void end_pass(void)
{
	call_for_scans(drop_stale);
	if (has_missed())
		WRITE_ONCE(scanner.requested, true);
	WRITE_ONCE(scanner.active, false);
	/*
	 * Pairs with request_pass(): either it sees that no pass is active, or
	 * scan_work() sees its request.
	 */
	smp_mb();
}

static bool has_backends(void)
{
	struct lc_scan *scan;

	list_for_each_entry(scan, &scanner.scans, list)
		if (!list_empty_careful(&scan->gc->backends->list))
			return true;
	return false;
}

/* Run a part of a pass. Return: false if the pass has ended. */
static bool run_pass(void)
{
	if (!scanner.active)
		begin_pass();
	scanner.walk.visited = 0;
	while (lc_walk_slice(&scanner.walk, adopt_any, NULL)) {
		if (scanner.walk.visited >= LC_SCAN_RUN)
			return true;
		cond_resched();
	}
	end_pass();
	return false;
}

/* The pause in jiffies after a run that began at @start. */
static unsigned long pause_after(u64 start)
{
	u64 now = ktime_get_ns(), took = now - start;

	took = min_t(u64, took, (u64)scanner.walk.visited * LC_SCAN_VISIT);
	scanner.credit = min_t(s64, LC_SCAN_CREDIT,
			       scanner.credit + div_u64(now - scanner.when, 100));
	scanner.credit -= took;
	scanner.when = now;
	return 1 + nsecs_to_jiffies(took * (scanner.credit > 0 ? 9 : 99));
}

static void scan_work(struct work_struct *work)
{
	u64 start = ktime_get_ns();
	unsigned long pause;
	bool needed, more;

	mutex_lock(&scanner.lock);
	needed = has_backends();
	more = needed && run_pass();
	if (!needed)
		WRITE_ONCE(scanner.active, false);
	mutex_unlock(&scanner.lock);
	pause = pause_after(start);
	if (more)
		queue_delayed_work(scan_wq, &scanner.work, pause);
	else if (READ_ONCE(scanner.requested))
		queue_delayed_work(scan_wq, &scanner.work,
				   max_t(unsigned long, pause, LC_SCAN_SOON));
	else if (needed)
		queue_delayed_work(scan_wq, &scanner.work, LC_SCAN_PERIOD);
}

/* Start a pass soon, or another one after the current pass. */
static void request_pass(void)
{
	WRITE_ONCE(scanner.requested, true);
	smp_mb();	/* pairs with end_pass() */
	if (!READ_ONCE(scanner.active))
		mod_delayed_work(scan_wq, &scanner.work, LC_SCAN_SOON);
}

/**
 * lc_scan_count_missed() - count a connection that cannot be recorded
 * @scan: its namespace's
 * @dests: its backends
 * @err: the reason, a negative errno
 *
 * Context: any, under rcu_read_lock().
 */
void lc_scan_count_missed(struct lc_scan *scan, const struct lc_dests *dests,
			  int err)
{
	struct lc_backends *backends = scan->gc->backends;

	pr_warn_ratelimited("connection not recorded (error %d): it is translated and counted, its end is seen late\n",
			    err);
	if (dests->exact)
		lc_backend_count_missed(backends, dests->exact);
	if (dests->any_port)
		lc_backend_count_missed(backends, dests->any_port);
	if (!atomic_xchg(&scan->missed, 1))
		request_pass();
}

/* Return: false if entries have not been visited. */
static bool scan_now(struct lc_scan *scan)
{
	u64 start = ktime_get_ns();
	bool ended;

	if (!nf_conntrack_count(scan->gc->net))
		return true;
	ended = lc_walk_table(LC_WALK_NOW, adopt_own, scan);
	WRITE_ONCE(scan->rested, jiffies +
		   min_t(u64, LC_SCAN_SOON,
			 nsecs_to_jiffies64(10 * (ktime_get_ns() - start))));
	return ended;
}

/* From now on the scanner visits the namespace's entries. */
static void join_scanner(struct lc_scan *scan)
{
	if (READ_ONCE(scan->joined))
		return;
	mutex_lock(&scanner.lock);
	if (!scan->joined) {
		list_add_tail(&scan->list, &scanner.scans);
		WRITE_ONCE(scan->joined, true);
	}
	mutex_unlock(&scanner.lock);
}

/**
 * lc_scan_adopt() - count the connections of backends that have appeared
 * @scan: the namespace's; hooks are registered, and the namespace does not end
 *
 * The connections are counted on return, unless the table is very large or a scan
 * has just ended. Then the scanner counts them; it begins within LC_SCAN_SOON.
 *
 * Context: process, may sleep.
 */
void lc_scan_adopt(struct lc_scan *scan)
{
	unsigned int generation = READ_ONCE(scan->gc->backends->generation);

	if (generation == READ_ONCE(scan->adopted))
		return;
	join_scanner(scan);
	if (time_after_eq(jiffies, READ_ONCE(scan->rested)) && scan_now(scan)) {
		WRITE_ONCE(scan->adopted, generation);
		/* No effect if an earlier pass is queued. */
		queue_delayed_work(scan_wq, &scanner.work, LC_SCAN_PERIOD);
	} else {
		request_pass();
	}
}

/**
 * lc_scan_net_init() - set up a namespace's part
 * @scan: zeroed memory
 * @gc: the namespace's
 *
 * Context: any.
 */
void lc_scan_net_init(struct lc_scan *scan, struct lc_gc *gc)
{
	scan->gc = gc;
	scan->rested = jiffies;
}

/**
 * lc_scan_net_exit() - the namespace ends
 * @scan: its part; lc_scan_adopt() is not called any more
 *
 * Context: may sleep.
 */
void lc_scan_net_exit(struct lc_scan *scan)
{
	mutex_lock(&scanner.lock);
	if (scan->joined)
		list_del(&scan->list);
	WRITE_ONCE(scan->joined, false);
	mutex_unlock(&scanner.lock);
}

/**
 * lc_scan_set_lookup() - set how the scanner finds a namespace's part
 * @lookup: returns the part of a namespace; called under conntrack's bucket locks
 *
 * Context: before the first namespace is set up.
 */
void lc_scan_set_lookup(struct lc_scan *(*lookup)(const struct net *net))
{
	scanner.lookup = lookup;
}

/**
 * lc_scan_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_scan_init(void)
{
	mutex_init(&scanner.lock);
	INIT_LIST_HEAD(&scanner.scans);
	INIT_DELAYED_WORK(&scanner.work, scan_work);
	scanner.credit = LC_SCAN_CREDIT;
	scanner.when = ktime_get_ns();
	scan_wq = alloc_workqueue("leastconn_scan", WQ_UNBOUND, 1);
	return scan_wq ? 0 : -ENOMEM;
}

/**
 * lc_scan_exit() - the module unloads, after all its namespaces have ended
 */
void lc_scan_exit(void)
{
	cancel_delayed_work_sync(&scanner.work);
	destroy_workqueue(scan_wq);
}
