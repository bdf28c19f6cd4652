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
 * long run. A command that cannot run soon ends with -EAGAIN, which costs nothing.
 *
 * The reaper's looks take a processor's time that is charged to nobody. Those for
 * all namespaces of one user are bounded together; beyond that they come later.
 *
 * The namespaces of the host's own user namespace, whose root can do all this in
 * other ways, are not bounded here.
 */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/wait.h>
#include <net/net_namespace.h>

#include "share.h"

#define LC_SHARE_BITS	6
#define LC_SHARE_WAIT	(HZ / 10)
#define LC_SHARE_CREDIT	(250 * NSEC_PER_MSEC)
/* Looks a second: of some 150 ns each, 4.5 % of a processor. */
#define LC_SHARE_LOOKS	300000U

/**
 * struct share - of the users whose ids have the same hash
 * @lock: all but @pausing and @wait
 * @taken: a command is under way
 * @since: when it began, or when the last one ended; nanoseconds
 * @credit: nanoseconds for which commands may run before they have to rest
 * @looks: that may be taken; at most those of a second
 * @looked: jiffies when @looks was made up for the time gone by
 * @pausing: healers that pause
 * @wait: commands that wait until @taken is false
 */
struct share {
	spinlock_t		lock;	/* all but pausing, wait */
	bool			taken;
	u64			since;
	s64			credit;
	unsigned int		looks;
	unsigned long		looked;
	atomic_t		pausing;
	wait_queue_head_t	wait;
};

/**
 * lc_share_is_host() - is it a namespace of the host's own user namespace?
 * @net: the namespace
 *
 * Context: any.
 * Return: whether it is: it is not bounded then.
 */
bool lc_share_is_host(const struct net *net)
{
	return net->user_ns == &init_user_ns;
}

static struct share shares[1 << LC_SHARE_BITS];

/* Of the host's own user namespace; only @pausing is used. */
static struct share host;

static struct share *share_of(const struct net *net)
{
	u32 uid = __kuid_val(net->user_ns->owner);

	return &shares[hash_32(uid, LC_SHARE_BITS)];
}

/**
 * lc_share_init() - the module loads
 */
void __init lc_share_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shares); i++) {
		spin_lock_init(&shares[i].lock);
		init_waitqueue_head(&shares[i].wait);
		shares[i].credit = LC_SHARE_CREDIT;
		shares[i].looks = LC_SHARE_LOOKS;
		shares[i].looked = jiffies;
	}
}

static bool try_take(struct share *share)
{
	u64 now = ktime_get_ns();
	bool taken = false;

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
 * lc_share_take() - a command begins
 * @net: its namespace
 * @may_wait: it waits for another command, for a tenth of a second at most
 *
 * Context: process, may sleep.
 * Return: 0: to be followed by lc_share_give(). -EAGAIN: not now. -EINTR: a fatal
 *	signal came.
 */
int lc_share_take(const struct net *net, bool may_wait)
{
	struct share *share = share_of(net);
	long left;

	if (lc_share_is_host(net) || try_take(share))
		return 0;
	if (!may_wait)
		return -EAGAIN;
	left = wait_event_killable_timeout(share->wait, try_take(share),
					   LC_SHARE_WAIT);
	if (left < 0)
		return -EINTR;
	return left ? 0 : -EAGAIN;
}

/**
 * lc_share_give() - a command ends
 * @net: its namespace
 *
 * Context: any but interrupts.
 */
void lc_share_give(const struct net *net)
{
	struct share *share = share_of(net);
	u64 now = ktime_get_ns();

	if (lc_share_is_host(net))
		return;
	spin_lock(&share->lock);
	share->credit -= now - share->since;
	share->since = now;
	share->taken = false;
	spin_unlock(&share->lock);
	wake_up(&share->wait);
}

/**
 * lc_share_looks() - take looks of the reaper's
 * @net: the namespace they are for
 * @looks: how many
 *
 * Context: process.
 * Return: false when these are to come later.
 */
bool lc_share_looks(const struct net *net, unsigned int looks)
{
	struct share *share = share_of(net);
	unsigned long gone;
	bool enough;

	if (lc_share_is_host(net))
		return true;
	spin_lock(&share->lock);
	gone = min_t(unsigned long, jiffies - share->looked, HZ);
	share->looked = jiffies;
	share->looks = min_t(u64, LC_SHARE_LOOKS, share->looks +
			     div_u64((u64)gone * LC_SHARE_LOOKS, HZ));
	enough = looks <= share->looks;
	if (enough)
		share->looks -= looks;
	spin_unlock(&share->lock);
	return enough;
}

/**
 * lc_share_pausing() - how many healers pause
 * @net: a namespace
 *
 * Context: any.
 * Return: the number, of all namespaces of the same user.
 */
atomic_t *lc_share_pausing(const struct net *net)
{
	return lc_share_is_host(net) ? &host.pausing :
				       &share_of(net)->pausing;
}
