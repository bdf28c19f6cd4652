// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: how much of the host's time the namespaces of one user can take up.
 *
 * Generic netlink calls a command with a lock held that is shared by all families
 * of the host. While a family is being registered, every other command waits until
 * those under way have ended. A command's own work is bounded (LC_MAX_WORK), but
 * anyone who may create a user namespace could send many at once, from many
 * namespaces, and many messages in one buffer. So the commands of all namespaces
 * that belong to one user run one at a time, for at most half of the time in the
 * long run. A command that cannot run now ends with -EAGAIN: it does not wait, for
 * count_other_proto would wait for it.
 *
 * Work in the background takes a processor's time that is charged to nobody: the
 * gc's looks, verdicts about backends, looking for events and sending them. What
 * it takes for all namespaces of one user is paid for with twenty times as long a
 * rest, from one account. The gc looks at what is left later; other work waits
 * for its turn in a queue.
 *
 * A user is the owner of the outermost user namespace, whatever user namespaces
 * there are within it and whoever owns those. Where that is the host's root, who
 * makes them for count_other_proto, each outermost user namespace has a share of its own.
 *
 * The namespaces of the host's own user namespace, whose root can do all this in
 * other ways, have one share that is trusted: of their work only turns are bounded,
 * and a rest is a second at most.
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
#define LC_SHARE_PART	20U	/* at most one part in so many of a processor */
#define LC_SHARE_CHECK	150U	/* what one of the gc's takes; nanoseconds */
/* What a turn takes, beside what is done in it. */
#define LC_SHARE_TURN	(50 * NSEC_PER_USEC)
/* How far what is paid may be ahead of the time. */
#define LC_SHARE_AHEAD	NSEC_PER_SEC
/* The longest rest of the trusted. */
#define LC_SHARE_REST	NSEC_PER_SEC

/**
 * struct lc_share - of one user's namespaces
 * @node: in @shares
 * @users: namespaces, under @shares_lock
 * @owner: the user
 * @id: of the outermost user namespace, where @owner is the host's root; else 0
 * @trusted: the host's own
 * @lock: all that follows, but @grant_next
 * @taken: a command is under way
 * @since: when it began, or when the last one ended; nanoseconds
 * @credit: nanoseconds for which commands may run before they have to rest
 * @paid: until when the work in the background is paid for; nanoseconds
 * @turns: what waits for its turn, struct lc_turn
 * @grant_next: gives the next one its turn
 */
struct lc_share {
	struct hlist_node	node;
	unsigned int		users;
	kuid_t			owner;
	unsigned int		id;
	bool			trusted;
	spinlock_t		lock;	/* all that follows, but grant_next */
	bool			taken;
	u64			since;
	s64			credit;
	u64			paid;
	struct list_head	turns;
	struct delayed_work	grant_next;
};

static DEFINE_HASHTABLE(shares, 8);
static DEFINE_MUTEX(shares_lock);
static struct lc_share host;

/* Return: nanoseconds until the next turn. */
static u64 rest_left(const struct lc_share *share, u64 now)
{
	return share->paid > now + LC_SHARE_AHEAD ?
	       share->paid - LC_SHARE_AHEAD - now : 0;
}

static void pay(struct lc_share *share, u64 now, u64 rest)
{
	if (share->trusted)
		rest = min_t(u64, rest, LC_SHARE_REST);
	share->paid = max(share->paid, now) + rest;
}

static void grant_later(struct lc_share *share, u64 now)
{
	mod_delayed_work(lc_wq, &share->grant_next,
			 nsecs_to_jiffies(rest_left(share, now)) + 1);
}

static void grant_next(struct work_struct *work)
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
		/* What it takes besides is paid for when it is known. */
		pay(share, now, LC_SHARE_TURN * LC_SHARE_PART);
	}
	if (!list_empty(&share->turns))
		grant_later(share, now);
	spin_unlock(&share->lock);
}

static void share_init(struct lc_share *share)
{
	spin_lock_init(&share->lock);
	share->credit = LC_SHARE_CREDIT;
	INIT_LIST_HEAD(&share->turns);
	INIT_DELAYED_WORK(&share->grant_next, grant_next);
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
	share_init(&host);
	host.trusted = true;
	return 0;
}

/**
 * lc_share_exit() - the module goes, after all its namespaces
 */
void lc_share_exit(void)
{
	cancel_delayed_work_sync(&host.grant_next);
	destroy_workqueue(lc_wq);
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
	return share;
}

/* Return: the owner's share; if there is none, @fresh, which may be NULL. */
static struct lc_share *share_use(kuid_t owner, unsigned int id,
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
 * lc_share_get() - the share of a namespace's user
 * @net: the namespace, which begins
 *
 * Context: may sleep.
 * Return: it, to be given back by lc_share_put(); NULL when memory is short.
 */
struct lc_share *lc_share_get(const struct net *net)
{
	const struct user_namespace *outermost = net->user_ns;
	struct lc_share *share, *fresh;
	unsigned int id = 0;

	if (outermost == &init_user_ns)
		return &host;
	while (outermost->parent != &init_user_ns)
		outermost = outermost->parent;
	if (uid_eq(outermost->owner, GLOBAL_ROOT_UID))
		id = outermost->ns.inum;
	share = share_use(outermost->owner, id, NULL);
	if (share)
		return share;
	/* Without the lock: other users must not wait for this one's memory. */
	fresh = share_alloc(outermost->owner, id);
	share = share_use(outermost->owner, id, fresh);
	if (share != fresh)
		kfree(fresh);
	return share;
}

/**
 * lc_share_put() - a namespace ends
 * @share: its share; none of its turns waits
 *
 * Context: may sleep.
 */
void lc_share_put(struct lc_share *share)
{
	if (share->trusted)
		return;
	mutex_lock(&shares_lock);
	if (!--share->users) {
		hash_del(&share->node);
		cancel_delayed_work_sync(&share->grant_next);
		kfree(share);
	}
	mutex_unlock(&shares_lock);
}

/**
 * lc_share_is_trusted() - is it the share of the host's own namespaces?
 * @share: the share
 *
 * Context: any.
 * Return: whether it is.
 */
bool lc_share_is_trusted(const struct lc_share *share)
{
	return share->trusted;
}

/**
 * lc_share_begin_command() - a command begins
 * @share: its namespace's
 *
 * Context: process.
 * Return: true: to be followed by lc_share_end_command(). false: not now.
 */
bool lc_share_begin_command(struct lc_share *share)
{
	u64 now = ktime_get_ns();
	bool taken = false;

	if (share->trusted)
		return true;
	spin_lock(&share->lock);
	if (!share->taken) {
		/* It grows while nothing runs, by as much as running takes. */
		share->credit = min_t(s64, LC_SHARE_CREDIT,
				      share->credit + (s64)(now - share->since));
		share->since = now;
		taken = share->credit > 0;
		share->taken = taken;
	}
	spin_unlock(&share->lock);
	return taken;
}

/**
 * lc_share_end_command() - a command ends
 * @share: its namespace's
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
	share->taken = false;
	spin_unlock(&share->lock);
}

/**
 * lc_share_begin_checks() - may the gc look at some records now?
 * @share: its namespace's
 *
 * Context: process.
 * Return: not 0: yes, to be given to lc_share_end_checks(). 0: later.
 */
u64 lc_share_begin_checks(struct lc_share *share)
{
	u64 now;
	bool may;

	if (share->trusted)
		return 1;
	now = ktime_get_ns();
	spin_lock(&share->lock);
	may = !rest_left(share, now);
	spin_unlock(&share->lock);
	return may ? now : 0;
}

/**
 * lc_share_end_checks() - pay for looks of the gc's
 * @share: its namespace's
 * @looks: how many: what they take usually is paid at least
 * @begun: from lc_share_begin_checks()
 *
 * Context: process.
 */
void lc_share_end_checks(struct lc_share *share, unsigned int looks, u64 begun)
{
	u64 now, took;

	if (share->trusted)
		return;
	now = ktime_get_ns();
	took = max_t(u64, now - begun, (u64)looks * LC_SHARE_CHECK);
	spin_lock(&share->lock);
	pay(share, now, took * LC_SHARE_PART);
	spin_unlock(&share->lock);
}

/**
 * lc_share_charge() - pay for what was done in a turn
 * @share: its namespace's
 * @took: nanoseconds
 *
 * Context: process.
 */
void lc_share_charge(struct lc_share *share, u64 took)
{
	u64 now = ktime_get_ns();

	spin_lock(&share->lock);
	pay(share, now, (took + LC_SHARE_TURN) * LC_SHARE_PART);
	if (!list_empty(&share->turns))
		grant_later(share, now);
	spin_unlock(&share->lock);
}

/**
 * lc_turn_init() - work may have to wait for its turn
 * @turn: zeroed memory
 * @work: the work, which calls lc_turn_begin() first of all
 *
 * Context: any.
 */
void lc_turn_init(struct lc_turn *turn, struct delayed_work *work)
{
	INIT_LIST_HEAD(&turn->list);
	turn->work = work;
}

/* Return: the turn's state after its work has asked to run. */
static enum lc_turn_state turn_ask(const struct lc_share *share,
				   const struct lc_turn *turn, u64 now)
{
	switch (turn->state) {
	case LC_TURN_GRANTED:
		return LC_TURN_IDLE;
	case LC_TURN_IDLE:
		if (list_empty(&share->turns) && !rest_left(share, now))
			return LC_TURN_IDLE;
		return LC_TURN_WAITS;
	default:
		return turn->state;
	}
}

/**
 * lc_turn_begin() - may work run now?
 * @share: its namespace's
 * @turn: the work's
 *
 * Context: process, in the work.
 * Return: true: yes, to be followed by lc_share_charge(). false: the work is queued
 *	again when its turn has come, unless the turn is closed.
 */
bool lc_turn_begin(struct lc_share *share, struct lc_turn *turn)
{
	u64 now = ktime_get_ns();
	enum lc_turn_state state;

	spin_lock(&share->lock);
	state = turn_ask(share, turn, now);
	if (state == LC_TURN_WAITS && turn->state == LC_TURN_IDLE) {
		list_add_tail(&turn->list, &share->turns);
		grant_later(share, now);
	}
	/* Before the work looks for news: pairs with lc_turn_is_idle(). */
	smp_store_mb(turn->state, state);
	spin_unlock(&share->lock);
	return state == LC_TURN_IDLE;
}

/**
 * lc_turn_is_idle() - is the work to be queued when there is news for it?
 * @turn: the work's
 *
 * Call it after the news has been stored.
 *
 * Context: any.
 * Return: false: it is queued already, waits for its turn, or is closed.
 */
bool lc_turn_is_idle(const struct lc_turn *turn)
{
	smp_mb();	/* pairs with lc_turn_begin() */
	return READ_ONCE(turn->state) == LC_TURN_IDLE;
}

/**
 * lc_turn_close() - the work is to end
 * @share: its namespace's
 * @turn: the work's; cancel the work after this
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
