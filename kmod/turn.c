// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns: how much of the control family one user of the host can take up.
 *
 * Generic netlink calls a command with a lock held that is shared by all families
 * of the host. While a family is being registered, every other command waits until
 * those under way have ended. A command's own work is bounded (LC_MAX_WORK), but
 * anyone who may create a user namespace could send many at once, from many
 * namespaces, and many messages in one buffer.
 *
 * So the commands of all namespaces that belong to one user run one at a time, for
 * at most half of the time in the long run. A command that cannot have its turn
 * soon ends with -EAGAIN, which costs nothing. The host's own user namespace,
 * whose root can do all this in other ways, takes no turns.
 */
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/wait.h>
#include <net/net_namespace.h>

#include "turn.h"

#define LC_TURN_BITS	6
#define LC_TURN_WAIT	(HZ / 10)
#define LC_TURN_CREDIT	(250 * NSEC_PER_MSEC)

/**
 * struct turn - of the users whose ids have the same hash
 * @lock: all of it
 * @taken: a command is under way
 * @since: when it began, or when the last one ended; nanoseconds
 * @credit: nanoseconds for which commands may run before they have to rest
 * @wait: commands that wait until @taken is false
 */
struct turn {
	spinlock_t		lock;	/* taken, since, credit */
	bool			taken;
	u64			since;
	s64			credit;
	wait_queue_head_t	wait;
};

static struct turn turns[1 << LC_TURN_BITS];

static struct turn *turn_of(const struct net *net)
{
	u32 uid = __kuid_val(net->user_ns->owner);

	return &turns[hash_32(uid, LC_TURN_BITS)];
}

/**
 * lc_turn_init() - the module loads
 */
void __init lc_turn_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(turns); i++) {
		spin_lock_init(&turns[i].lock);
		init_waitqueue_head(&turns[i].wait);
		turns[i].credit = LC_TURN_CREDIT;
	}
}

static bool try_take(struct turn *turn)
{
	u64 now = ktime_get_ns();
	bool taken = false;

	spin_lock(&turn->lock);
	if (!turn->taken) {
		/* It grows while nothing runs, by as much as running takes. */
		turn->credit = min_t(s64, LC_TURN_CREDIT,
				     turn->credit + (s64)(now - turn->since));
		turn->since = now;
		taken = turn->credit > 0;
		turn->taken = taken;
	}
	spin_unlock(&turn->lock);
	return taken;
}

/**
 * lc_turn_take() - a command begins
 * @net: its namespace
 * @may_wait: it waits for another command, for a tenth of a second at most
 *
 * Context: process, may sleep.
 * Return: 0: to be followed by lc_turn_give(). -EAGAIN: not now. -EINTR: a fatal
 *	signal came.
 */
int lc_turn_take(const struct net *net, bool may_wait)
{
	struct turn *turn = turn_of(net);
	long left;

	if (net->user_ns == &init_user_ns || try_take(turn))
		return 0;
	if (!may_wait)
		return -EAGAIN;
	left = wait_event_killable_timeout(turn->wait, try_take(turn),
					   LC_TURN_WAIT);
	if (left < 0)
		return -EINTR;
	return left ? 0 : -EAGAIN;
}

/**
 * lc_turn_give() - a command ends
 * @net: its namespace
 *
 * Context: any but interrupts.
 */
void lc_turn_give(const struct net *net)
{
	struct turn *turn = turn_of(net);
	u64 now = ktime_get_ns();

	if (net->user_ns == &init_user_ns)
		return;
	spin_lock(&turn->lock);
	turn->credit -= now - turn->since;
	turn->since = now;
	turn->taken = false;
	spin_unlock(&turn->lock);
	wake_up(&turn->wait);
}
