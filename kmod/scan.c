// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans: connections that are there but not recorded.
 *
 * There are three reasons for that: a backend has just appeared, an entry came
 * without a packet (conntrackd), or a connection could not be recorded. The hooks
 * stand before the first scan, so a connection is seen by one or the other; both
 * at once add the same record.
 *
 * When a backend appears, the process that brought it scans the table for its own
 * namespace, so that a rule begins with the truth. It stops after LC_WALK_NOW
 * slices; and in a burst of rules a scan rests ten times as long as it took, a
 * quarter of a second at most. What is left then, and all else, is the work of one scanner for
 * the whole host. It visits each entry once, whatever the number of namespaces, and
 * hands it to the namespace that the entry is of. It takes a hundredth of a
 * processor in the mean, and a tenth for as long as it has taken less before.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "entry.h"
#include "net.h"
#include "reap.h"
#include "scan.h"
#include "walk.h"

/* Between two passes, when nothing asks for one. */
#define LC_SCAN_PERIOD	(30 * HZ)
#define LC_SCAN_SOON	(HZ / 4)
/* How many entries the scanner visits before it rests: some 0.5 ms. */
#define LC_SCAN_RUN	4096U
/* What a visit costs at most; nanoseconds. More is time in which others ran. */
#define LC_SCAN_VISIT	1000U
/* It may take so much beyond a hundredth; nanoseconds. */
#define LC_SCAN_CREDIT	((s64)NSEC_PER_SEC)

/**
 * struct scanner - looks through the table for all namespaces
 * @lock: @nets, and a run of @work: a namespace that leaves waits for its end
 * @nets: the namespaces that are scanned for
 * @work: a part of a pass
 * @walk: where the pass is; @work's alone
 * @under_way: a pass has begun and not ended
 * @wanted: something asked for a pass since the last one began
 * @credit: nanoseconds that may be taken at ten times the pace; @work's alone
 * @when: when @credit was looked at last; nanoseconds, @work's alone
 */
static struct scanner {
	struct mutex		lock;	/* nets, and a part of a pass */
	struct list_head	nets;
	struct delayed_work	work;
	struct lc_walk		walk;
	bool			under_way;
	bool			wanted;
	s64			credit;
	u64			when;
} scanner;

/* Its own queue: what waits for a pass does not keep the others' checks waiting. */
static struct workqueue_struct *scan_wq;

/* Called under a conntrack bucket lock. */
static void scan_adopt(struct lc_net *ln, struct nf_conn *ct)
{
	struct lc_record_key key;
	struct lc_load load;

	/* The loser of a clash stands in for the winner's replies only. */
	if (nf_ct_is_expired(ct) || test_bit(IPS_NAT_CLASH_BIT, &ct->status) ||
	    !lc_entry_load(&ln->backends, ct, &load))
		return;
	lc_entry_key(ct, &key);
	if (!lc_record_renew(&ln->records, &key, &load, lc_entry_phase(ct),
			     false))
		lc_reap_add(ln, ct, &load);
}

static bool adopt_own(struct nf_conn *ct, void *data)
{
	struct lc_net *ln = data;

	if (net_eq(nf_ct_net(ct), ln->net))
		scan_adopt(ln, ct);
	return false;
}

/* A namespace that has closed its part may still have entries. */
static bool adopt_any(struct nf_conn *ct, void *data)
{
	struct lc_net *ln = lc_net(nf_ct_net(ct));

	if (READ_ONCE(ln->scan.joined))
		scan_adopt(ln, ct);
	return false;
}

/*
 * What was missed counts until a pass that began later has ended. A namespace
 * whose lock is taken waits for the next pass, not the host for the namespace.
 */
static void scan_set_aside(struct lc_net *ln)
{
	struct lc_scan *scan = &ln->scan;

	scan->created = READ_ONCE(ln->backends.created);
	if (scan->set_aside || !atomic_read(&scan->missed) ||
	    !mutex_trylock(&ln->backends.lock))
		return;
	atomic_set(&scan->missed, 0);
	lc_backends_age(&ln->backends);
	scan->set_aside = true;
	mutex_unlock(&ln->backends.lock);
}

static void scan_forget(struct lc_net *ln)
{
	struct lc_scan *scan = &ln->scan;

	/* It may have joined, or scanned itself, since the pass began. */
	if ((int)(scan->created - scan->adopted) > 0)
		WRITE_ONCE(scan->adopted, scan->created);
	if (!scan->set_aside || !mutex_trylock(&ln->backends.lock))
		return;
	lc_backends_forget(&ln->backends);
	scan->set_aside = false;
	mutex_unlock(&ln->backends.lock);
	/* The last ones may not have been confirmed when they were looked for. */
	WRITE_ONCE(scanner.wanted, true);
}

static void scan_nets(void (*do_it)(struct lc_net *ln))
{
	struct lc_net *ln;

	lockdep_assert_held(&scanner.lock);

	list_for_each_entry(ln, &scanner.nets, scan.list)
		do_it(ln);
}

static void begin_pass(void)
{
	WRITE_ONCE(scanner.under_way, true);
	WRITE_ONCE(scanner.wanted, false);
	scanner.walk = (struct lc_walk) {};
	scan_nets(scan_set_aside);
}

/* Something is left for the next pass. */
static bool is_unfinished(void)
{
	const struct lc_net *ln;

	list_for_each_entry(ln, &scanner.nets, scan.list)
		if (ln->scan.set_aside || atomic_read(&ln->scan.missed))
			return true;
	return false;
}

static void end_pass(void)
{
	scan_nets(scan_forget);
	if (is_unfinished())
		WRITE_ONCE(scanner.wanted, true);
	WRITE_ONCE(scanner.under_way, false);
	/* Pairs with scan_request(): it sees that none is under way, or we that it asked. */
	smp_mb();
}

static bool has_backends(void)
{
	struct lc_net *ln;

	list_for_each_entry(ln, &scanner.nets, scan.list)
		if (!list_empty_careful(&ln->backends.list))
			return true;
	return false;
}

/* A part of a pass. Return: whether there is more of it. */
static bool scan_run(void)
{
	if (!scanner.under_way)
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

/* For how long to rest, in jiffies, after a run that began at @start. */
static unsigned long scan_pause(u64 start)
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
	bool more, goes_on;
	unsigned long rest;

	mutex_lock(&scanner.lock);
	goes_on = has_backends();
	more = goes_on && scan_run();
	if (!goes_on)
		WRITE_ONCE(scanner.under_way, false);
	mutex_unlock(&scanner.lock);
	rest = scan_pause(start);
	if (more)
		queue_delayed_work(scan_wq, &scanner.work, rest);
	else if (READ_ONCE(scanner.wanted))
		queue_delayed_work(scan_wq, &scanner.work,
				   max_t(unsigned long, rest, LC_SCAN_SOON));
	else if (goes_on)
		queue_delayed_work(scan_wq, &scanner.work, LC_SCAN_PERIOD);
}

/* A pass is to come soon, or to follow the one that is under way. */
static void scan_request(void)
{
	WRITE_ONCE(scanner.wanted, true);
	smp_mb();	/* pairs with end_pass() */
	if (!READ_ONCE(scanner.under_way))
		mod_delayed_work(scan_wq, &scanner.work, LC_SCAN_SOON);
}

/**
 * lc_scan_missed() - a connection could not be recorded
 * @ln: its namespace
 *
 * Context: any.
 */
void lc_scan_missed(struct lc_net *ln)
{
	if (!atomic_xchg(&ln->scan.missed, 1))
		scan_request();
}

/* Return: whether all of the table was looked through. */
static bool scan_now(struct lc_net *ln)
{
	u64 start = ktime_get_ns();

	if (!nf_conntrack_count(ln->net))
		return true;
	if (!lc_walk_table(LC_WALK_NOW, adopt_own, ln))
		return false;
	WRITE_ONCE(ln->scan.rested, jiffies +
		   min_t(u64, LC_SCAN_SOON,
			 nsecs_to_jiffies64(10 * (ktime_get_ns() - start))));
	return true;
}

/* The scanner is to visit the namespace's entries, too. */
static void scan_join(struct lc_net *ln)
{
	if (READ_ONCE(ln->scan.joined))
		return;
	mutex_lock(&scanner.lock);
	if (!ln->scan.joined) {
		list_add_tail(&ln->scan.list, &scanner.nets);
		WRITE_ONCE(ln->scan.joined, true);
	}
	mutex_unlock(&scanner.lock);
}

/**
 * lc_scan_adopt() - count the connections that backends which appeared have
 * @ln: the namespace, hooks in place; it is not about to go
 *
 * They are counted on return, unless the table is very large or a scan has only
 * just ended: then by the host's scanner, which begins within LC_SCAN_SOON.
 *
 * Context: process, may sleep.
 */
void lc_scan_adopt(struct lc_net *ln)
{
	unsigned int created = READ_ONCE(ln->backends.created);
	struct lc_scan *scan = &ln->scan;

	if (created == READ_ONCE(scan->adopted))
		return;
	scan_join(ln);
	if (time_after_eq(jiffies, READ_ONCE(scan->rested)) && scan_now(ln)) {
		WRITE_ONCE(scan->adopted, created);
		/* In vain if one is to come earlier. */
		queue_delayed_work(scan_wq, &scanner.work, LC_SCAN_PERIOD);
	} else {
		scan_request();
	}
}

/**
 * lc_scan_net_init() - make a namespace ready to be scanned for
 * @scan: zeroed memory
 *
 * Context: any.
 */
void lc_scan_net_init(struct lc_scan *scan)
{
	scan->rested = jiffies;
}

/**
 * lc_scan_net_exit() - the namespace goes
 * @scan: its part; nothing calls lc_scan_adopt() any more
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
 * lc_scan_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_scan_init(void)
{
	mutex_init(&scanner.lock);
	INIT_LIST_HEAD(&scanner.nets);
	INIT_DELAYED_WORK(&scanner.work, scan_work);
	scanner.credit = LC_SCAN_CREDIT;
	scanner.when = ktime_get_ns();
	scan_wq = alloc_workqueue("leastconn_scan", WQ_UNBOUND, 1);
	return scan_wq ? 0 : -ENOMEM;
}

/**
 * lc_scan_exit() - the module goes, after all its namespaces
 */
void lc_scan_exit(void)
{
	cancel_delayed_work_sync(&scanner.work);
	destroy_workqueue(scan_wq);
}
