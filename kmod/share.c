// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: limits on the time of the host that the namespaces of one user can take.
 *
 * Generic netlink calls a command with a lock held that all families of the host share.
 * While a family is being registered, each new command waits until all commands that are
 * running have ended. The work of one command is bounded (LC_MAX_WORK). But every user
 * that may create user namespaces could send many commands at once, from many namespaces,
 * and many messages in one buffer. So the commands of all namespaces of one user run one
 * at a time, and in the long run for at most half of the time. A command that cannot run
 * now fails with -EAGAIN. It does not wait, because commands of other users would wait
 * for it.
 *
 * Work in the background takes processor time that no process is charged for: the checks
 * of the gc, verdicts about backends, and events. All namespaces of one user together rest
 * twenty times as long as such work has taken. If there is no time left, the gc checks its
 * records later; other work waits for its turn in a queue. What cannot wait is charged to
 * the commands, twenty times: the end of a rule or of a namespace. While too much of it is
 * due, further rules are refused.
 *
 * A namespace belongs to the owner of its outermost user namespace, whatever user
 * namespaces are inside that one. The host's root may create user namespaces for other
 * users, so each outermost user namespace that root owns has a share of its own.
 *
 * The namespaces of the host's own user namespace have one share, which is trusted: their
 * root can take the host's time in other ways. Only their turns are limited, and a rest
 * takes a second at most.
 */
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "share.h"

struct workqueue_struct *lc_wq;

#define LC_SHARE_CREDIT	(250 * NSEC_PER_MSEC)
#define LC_SHARE_PART	20U	/* background work takes at most 1/20 of a processor */
#define LC_SHARE_CHECK_COST	150U	/* a check by the gc takes this long; nanoseconds */
/* The cost of a turn, in addition to its work. */
#define LC_SHARE_TURN_COST	(50 * NSEC_PER_USEC)
/* Work may still run while lc_share.paid_until is at most so far in the future. */
#define LC_SHARE_AHEAD	NSEC_PER_SEC
/* Rules may still be added while lc_share.credit is not less than this; negative. */
#define LC_SHARE_RULES_CREDIT	(-(s64)NSEC_PER_SEC)
/* The longest rest of the trusted share. */
#define LC_SHARE_MAX_REST	NSEC_PER_SEC

/**
 * struct lc_share - the share of one user
 * @node: in @shares
 * @users: how many namespaces and rules use it; @shares_lock
 * @owner: the user
 * @id: inode number of the outermost user namespace, if its owner is the host's root;
 *	else 0
 * @trusted: this is the share of the host's own user namespace
 * @lock: protects the members that follow, except @grant_next and @forget
 * @busy: a command is running
 * @since: when that command began, or the last one ended; nanoseconds
 * @credit: how long commands may run before they are refused; nanoseconds
 * @paid_until: when the rests for all work so far have ended; nanoseconds
 * @turns: the queue of turns, struct lc_turn
 * @grant_next: grants the next turn
 * @forget: frees the share when it has no users, and all is paid
 */
struct lc_share {
	struct hlist_node	node;
	unsigned int		users;
	kuid_t			owner;
	unsigned int		id;
	bool			trusted;
	spinlock_t		lock;	/* all that follows, except the works */
	bool			busy;
	u64			since;
	s64			credit;
	u64			paid_until;
	struct list_head	turns;
	struct delayed_work	grant_next;
	struct delayed_work	forget;
};

static DEFINE_HASHTABLE(shares, 8);
static DEFINE_MUTEX(shares_lock);
static struct lc_share host_share;

/* Return: nanoseconds until work in the background may run. */
static u64 share_rest(const struct lc_share *share, u64 now)
{
	return share->paid_until > now + LC_SHARE_AHEAD ?
	       share->paid_until - LC_SHARE_AHEAD - now : 0;
}

static void share_pay(struct lc_share *share, u64 now, u64 rest)
{
	if (share->trusted)
		rest = min_t(u64, rest, LC_SHARE_MAX_REST);
	share->paid_until = max(share->paid_until, now) + rest;
}

static void share_grant_later(struct lc_share *share, u64 now)
{
	mod_delayed_work(lc_wq, &share->grant_next,
			 nsecs_to_jiffies(share_rest(share, now)) + 1);
}

static void share_grant_next(struct work_struct *work)
{
	struct lc_share *share = container_of(to_delayed_work(work),
					      struct lc_share, grant_next);
	u64 now = ktime_get_ns();
	struct lc_turn *turn;

	spin_lock(&share->lock);
	turn = list_first_entry_or_null(&share->turns, struct lc_turn, list);
	if (turn) {
		list_del_init(&turn->list);
		WRITE_ONCE(turn->state, LC_TURN_GRANTED);
		mod_delayed_work(lc_wq, turn->work, 0);
		/* The cost of the work itself is added when it is known. */
		share_pay(share, now, LC_SHARE_TURN_COST * LC_SHARE_PART);
	}
	if (!list_empty(&share->turns))
		share_grant_later(share, now);
	spin_unlock(&share->lock);
}

static void share_init(struct lc_share *share)
{
	spin_lock_init(&share->lock);
	share->credit = LC_SHARE_CREDIT;
	INIT_LIST_HEAD(&share->turns);
	INIT_DELAYED_WORK(&share->grant_next, share_grant_next);
}

/**
 * lc_share_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_share_init(void)
{
	lc_wq = alloc_workqueue("leastconn", WQ_UNBOUND, 0);
	if (!lc_wq)
		return -ENOMEM;
	share_init(&host_share);
	host_share.trusted = true;
	return 0;
}

/**
 * lc_share_exit() - the module unloads, after all its namespaces have ended
 */
void lc_share_exit(void)
{
	struct lc_share *share;
	unsigned int i;

	mutex_lock(&shares_lock);
	hash_for_each(shares, i, share, node)
		mod_delayed_work(lc_wq, &share->forget, 0);
	mutex_unlock(&shares_lock);
	flush_workqueue(lc_wq);
	cancel_delayed_work_sync(&host_share.grant_next);
	destroy_workqueue(lc_wq);
}

/* A user cannot get rid of what a namespace has taken by ending it and beginning another. */
static void share_forget(struct work_struct *work)
{
	struct lc_share *share = container_of(to_delayed_work(work), struct lc_share,
					      forget);
	bool forgotten;

	mutex_lock(&shares_lock);
	/* If it is queued again, a user came and went, perhaps with a debt. */
	forgotten = !share->users && !delayed_work_pending(&share->forget);
	if (forgotten)
		hash_del(&share->node);
	mutex_unlock(&shares_lock);
	if (!forgotten)
		return;
	cancel_delayed_work_sync(&share->grant_next);
	kfree(share);
}

/* Return: jiffies until a share is as good as a new one. */
static unsigned long share_debt(struct lc_share *share)
{
	u64 now = ktime_get_ns(), debt = 0;

	spin_lock(&share->lock);
	if (share->credit < LC_SHARE_CREDIT)
		debt = LC_SHARE_CREDIT - share->credit;
	if (share->paid_until > now)
		debt = max(debt, share->paid_until - now);
	spin_unlock(&share->lock);
	return nsecs_to_jiffies(debt) + 1;
}

static struct lc_share *share_find(kuid_t owner, unsigned int id)
{
	struct lc_share *share;

	hash_for_each_possible(shares, share, node, __kuid_val(owner))
		if (uid_eq(share->owner, owner) && share->id == id)
			return share;
	return NULL;
}

static struct lc_share *share_alloc(kuid_t owner, unsigned int id)
{
	struct lc_share *share = kzalloc(sizeof(*share), GFP_KERNEL_ACCOUNT);

	if (!share)
		return NULL;
	share_init(share);
	share->owner = owner;
	share->id = id;
	INIT_DELAYED_WORK(&share->forget, share_forget);
	return share;
}

/* Return: the share, with a user more; if there is none, @fresh, which may be NULL. */
static struct lc_share *share_find_get(kuid_t owner, unsigned int id,
				       struct lc_share *fresh)
{
	struct lc_share *share;

	mutex_lock(&shares_lock);
	share = share_find(owner, id);
	if (!share && fresh) {
		share = fresh;
		hash_add(shares, &share->node, __kuid_val(owner));
	}
	if (share)
		share->users++;
	mutex_unlock(&shares_lock);
	return share;
}

/**
 * lc_share_get() - get the share of a namespace's user
 * @net: the namespace, which begins
 *
 * Context: may sleep.
 * Return: the share, for lc_share_put(), or NULL if memory is short.
 */
struct lc_share *lc_share_get(const struct net *net)
{
	const struct user_namespace *outermost = net->user_ns;
	struct lc_share *share, *fresh;
	unsigned int id = 0;

	if (outermost == &init_user_ns)
		return &host_share;
	while (outermost->parent != &init_user_ns)
		outermost = outermost->parent;
	if (uid_eq(outermost->owner, GLOBAL_ROOT_UID))
		id = outermost->ns.inum;
	share = share_find_get(outermost->owner, id, NULL);
	if (share)
		return share;
	/* Not under the lock: other users must not wait for memory of this one. */
	fresh = share_alloc(outermost->owner, id);
	share = share_find_get(outermost->owner, id, fresh);
	if (share != fresh)
		kfree(fresh);
	return share;
}

/**
 * lc_share_use() - use a share for a rule, which may outlive its namespace
 * @share: the share of the namespace
 *
 * Context: may sleep.
 */
void lc_share_use(struct lc_share *share)
{
	if (share->trusted)
		return;
	mutex_lock(&shares_lock);
	share->users++;
	mutex_unlock(&shares_lock);
}

/**
 * lc_share_put() - undo lc_share_get() or lc_share_use()
 * @share: the share; if a namespace puts it, none of its turns waits in it
 *
 * Context: may sleep.
 */
void lc_share_put(struct lc_share *share)
{
	if (share->trusted)
		return;
	mutex_lock(&shares_lock);
	if (!--share->users)
		mod_delayed_work(lc_wq, &share->forget, share_debt(share));
	mutex_unlock(&shares_lock);
}

/**
 * lc_share_is_trusted() - is this the share of the host's own namespaces?
 * @share: the share
 *
 * Context: any.
 * Return: true if it is.
 */
bool lc_share_is_trusted(const struct lc_share *share)
{
	return share->trusted;
}

/* The credit grows by the time in which no command ran. */
static void share_grow_credit(struct lc_share *share)
{
	u64 now = ktime_get_ns();

	share->credit = min_t(s64, LC_SHARE_CREDIT,
			      share->credit + (s64)(now - share->since));
	share->since = now;
}

/**
 * lc_share_begin_command() - begin a command
 * @share: the share of its namespace
 *
 * Context: process.
 * Return: true if the command may run; lc_share_end_command() has to follow. false if it
 *	has to be refused.
 */
bool lc_share_begin_command(struct lc_share *share)
{
	bool begun = false;

	if (share->trusted)
		return true;
	spin_lock(&share->lock);
	if (!share->busy) {
		share_grow_credit(share);
		begun = share->credit > 0;
		share->busy = begun;
	}
	spin_unlock(&share->lock);
	return begun;
}

/**
 * lc_share_may_add_rule() - may a process add a rule?
 * @share: the share of its namespace
 *
 * Kernel workers delete most rules, at the expense of the share. The process cannot wait
 * until that is paid for: it may hold a lock of nftables for which the whole host waits.
 *
 * Context: process.
 * Return: true if it may; false if the rule has to be refused.
 */
bool lc_share_may_add_rule(struct lc_share *share)
{
	bool may;

	if (share->trusted)
		return true;
	spin_lock(&share->lock);
	if (!share->busy)
		share_grow_credit(share);
	may = share->credit >= LC_SHARE_RULES_CREDIT;
	spin_unlock(&share->lock);
	return may;
}

/**
 * lc_share_end_command() - end a command
 * @share: the share of its namespace
 *
 * Context: any but interrupts.
 */
void lc_share_end_command(struct lc_share *share)
{
	u64 now = ktime_get_ns();

	if (share->trusted)
		return;
	spin_lock(&share->lock);
	share->credit -= now - share->since;
	share->since = now;
	share->busy = false;
	spin_unlock(&share->lock);
}

static void share_take_credit(struct lc_share *share, u64 credit)
{
	if (share->trusted)
		return;
	spin_lock(&share->lock);
	share->credit -= credit;
	spin_unlock(&share->lock);
}

/**
 * lc_share_charge_command() - charge a share for a part of a command that had to run
 * @share: the share of its namespace
 * @begun: when it began; nanoseconds
 *
 * Context: process.
 */
void lc_share_charge_command(struct lc_share *share, u64 begun)
{
	/* Twice: the credit has grown by as much since then. */
	share_take_credit(share, 2 * (ktime_get_ns() - begun));
}

/**
 * lc_share_charge_worker() - charge a share for what a kernel worker does for others
 * @share: the share of the namespace
 * @took: nanoseconds
 *
 * The end of a namespace or a rule, or hooks for a pool: commands and rules that lead to
 * more of it must be bounded like other work in the background.
 *
 * Context: process.
 */
void lc_share_charge_worker(struct lc_share *share, u64 took)
{
	share_take_credit(share, took * LC_SHARE_PART);
}

/**
 * lc_share_begin_checks() - may the gc check some records now?
 * @share: the share of its namespace
 *
 * Context: process.
 * Return: 0 if it may not; otherwise a value for lc_share_end_checks().
 */
u64 lc_share_begin_checks(struct lc_share *share)
{
	u64 now;
	bool may;

	if (share->trusted)
		return 1;
	now = ktime_get_ns();
	spin_lock(&share->lock);
	may = !share_rest(share, now);
	spin_unlock(&share->lock);
	return may ? now : 0;
}

/**
 * lc_share_end_checks() - charge a share for checks of the gc
 * @share: the share of its namespace
 * @checks: how many checks there were; their usual cost is charged at least
 * @begun: from lc_share_begin_checks()
 *
 * Context: process.
 */
void lc_share_end_checks(struct lc_share *share, unsigned int checks, u64 begun)
{
	u64 now, took;

	if (share->trusted)
		return;
	now = ktime_get_ns();
	took = max_t(u64, now - begun, (u64)checks * LC_SHARE_CHECK_COST);
	spin_lock(&share->lock);
	share_pay(share, now, took * LC_SHARE_PART);
	spin_unlock(&share->lock);
}

/**
 * lc_share_charge() - charge a share for the work of a turn
 * @share: the share of its namespace
 * @took: nanoseconds that the work has taken
 *
 * Context: process.
 */
void lc_share_charge(struct lc_share *share, u64 took)
{
	u64 now = ktime_get_ns();

	spin_lock(&share->lock);
	share_pay(share, now, (took + LC_SHARE_TURN_COST) * LC_SHARE_PART);
	if (!list_empty(&share->turns))
		share_grant_later(share, now);
	spin_unlock(&share->lock);
}

/**
 * lc_turn_init() - set up a turn
 * @turn: zeroed memory
 * @work: the work that waits for it; it calls lc_turn_begin() first
 *
 * Context: any.
 */
void lc_turn_init(struct lc_turn *turn, struct delayed_work *work)
{
	INIT_LIST_HEAD(&turn->list);
	turn->work = work;
}

/* Return: the next state of the turn, now that its work asks to run. */
static enum lc_turn_state turn_next_state(const struct lc_share *share,
					  const struct lc_turn *turn, u64 now)
{
	switch (turn->state) {
	case LC_TURN_GRANTED:
		return LC_TURN_IDLE;
	case LC_TURN_IDLE:
		if (list_empty(&share->turns) && !share_rest(share, now))
			return LC_TURN_IDLE;
		return LC_TURN_WAITS;
	default:
		return turn->state;
	}
}

/**
 * lc_turn_begin() - may work run now?
 * @share: the share of its namespace
 * @turn: the turn of the work
 *
 * Context: process, in the work.
 * Return: true if it may; lc_share_charge() has to follow. If false, the work is queued
 *	again when it is its turn, unless the turn is closed.
 */
bool lc_turn_begin(struct lc_share *share, struct lc_turn *turn)
{
	u64 now = ktime_get_ns();
	enum lc_turn_state state;

	spin_lock(&share->lock);
	state = turn_next_state(share, turn, now);
	if (state == LC_TURN_WAITS && turn->state == LC_TURN_IDLE) {
		list_add_tail(&turn->list, &share->turns);
		share_grant_later(share, now);
	}
	/* Store the state before the work looks for news: pairs with lc_turn_is_idle(). */
	smp_store_mb(turn->state, state);
	spin_unlock(&share->lock);
	return state == LC_TURN_IDLE;
}

/**
 * lc_turn_is_idle() - must work be queued when there is news for it?
 * @turn: the turn of the work
 *
 * The caller stores the news before it calls this.
 *
 * Context: any.
 * Return: true if it must; false if it is queued already, waits for its turn, or its turn
 *	is closed.
 */
bool lc_turn_is_idle(const struct lc_turn *turn)
{
	smp_mb();	/* pairs with lc_turn_begin() */
	return READ_ONCE(turn->state) == LC_TURN_IDLE;
}

/**
 * lc_turn_close() - stop work from running again
 * @share: the share of its namespace
 * @turn: the turn of the work; the caller cancels the work after this
 *
 * Context: process.
 */
void lc_turn_close(struct lc_share *share, struct lc_turn *turn)
{
	spin_lock(&share->lock);
	WRITE_ONCE(turn->state, LC_TURN_CLOSED);
	list_del_init(&turn->list);
	spin_unlock(&share->lock);
}
