// SPDX-License-Identifier: GPL-2.0-only
/* Our part of a network namespace: what begins and ends with it. */
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "net.h"

struct workqueue_struct *lc_wq;

static unsigned int net_id __read_mostly;

/**
 * lc_net() - our part of a network namespace
 * @net: the namespace
 *
 * Context: any.
 * Return: it; never NULL.
 */
struct lc_net *lc_net(const struct net *net)
{
	return net_generic(net, net_id);
}

/* Who wants to see what has become of a namespace. */
static u64 (*watcher)(struct lc_net *ln);

/**
 * lc_net_watch() - have somebody called when something may have changed
 * @wanted: who; may sleep, returns the nanoseconds that it took. NULL: nobody; on
 *	return nobody is being called
 *
 * Context: may sleep.
 */
void lc_net_watch(u64 (*wanted)(struct lc_net *ln))
{
	WRITE_ONCE(watcher, wanted);
	flush_workqueue(lc_wq);
}

/**
 * lc_net_changed() - a command has changed something
 * @ln: the namespace
 *
 * What it is takes no longer than some looks; the rest is done soon afterwards.
 *
 * Context: may sleep.
 */
void lc_net_changed(struct lc_net *ln)
{
	WRITE_ONCE(ln->pools.look_anew, true);
	lc_net_look(ln);
	if (lc_net_looks_left(ln))
		lc_health_check(ln);
}

/**
 * lc_net_loads_changed() - connections may have come and gone
 * @ln: the namespace
 *
 * Queue a look for events if there are members with max_conns, or backends that are
 * not ready: only for these load makes a difference.
 *
 * Context: process.
 */
void lc_net_loads_changed(struct lc_net *ln)
{
	if (!READ_ONCE(ln->pools.n_capped) && !READ_ONCE(ln->backends.kept[0]) &&
	    !READ_ONCE(ln->backends.kept[1]))
		return;
	WRITE_ONCE(ln->pools.look_anew, true);
	lc_health_check(ln);
}

/**
 * lc_net_look() - see what has become of what may have changed, or of a part
 * @ln: the namespace
 *
 * Context: may sleep; in work of lc_wq, or in a command.
 * Return: nanoseconds that it took.
 */
u64 lc_net_look(struct lc_net *ln)
{
	u64 (*wanted)(struct lc_net *ln) = READ_ONCE(watcher);

	return wanted ? wanted(ln) : 0;
}

/**
 * lc_net_looks_left() - is lc_net_look() to be called again?
 * @ln: the namespace
 *
 * Context: any.
 * Return: whether it is.
 */
bool lc_net_looks_left(const struct lc_net *ln)
{
	return READ_ONCE(watcher) &&
	       (READ_ONCE(ln->pools.look_anew) ||
		READ_ONCE(ln->pools.to_look) ||
		READ_ONCE(ln->backends.to_look) ||
		!list_empty(&ln->pools.untold));
}

static int __net_init net_init(struct net *net)
{
	struct lc_net *ln = lc_net(net);
	int err;

	ln->net = net;
	ln->share = lc_share_get(net);
	if (!ln->share)
		return -ENOMEM;
	lc_reaper_init(&ln->reaper);
	lc_scan_net_init(&ln->scan);
	lc_tracker_init(&ln->tracker);
	lc_healer_init(&ln->healer);
	lc_clients_init(&ln->clients);
	lc_control_init(&ln->control);
	lc_pools_init(&ln->pools, &ln->backends);
	err = lc_backends_init(&ln->backends);
	if (err)
		lc_share_put(ln->share);
	return err;
}

/* An RCU grace period lies between this and net_exit(). */
static void __net_exit net_pre_exit(struct net *net)
{
	lc_control_exit(lc_net(net));
	lc_tracker_close(lc_net(net));
	lc_healer_close(&lc_net(net)->healer);
}

/* Rules may outlive this: what they hold is theirs to free. */
static void __net_exit net_exit(struct net *net)
{
	struct lc_net *ln = lc_net(net);

	lc_scan_net_exit(&ln->scan);
	lc_reaper_exit(&ln->reaper);
	lc_healer_exit(&ln->healer);
	lc_records_close(&ln->records);
	lc_clients_close(&ln->clients);
	lc_pools_exit(&ln->pools);
	lc_backends_exit(&ln->backends);
	lc_share_put(ln->share);
}

static struct pernet_operations net_ops = {
	.init		= net_init,
	.pre_exit	= net_pre_exit,
	.exit		= net_exit,
	.id		= &net_id,
	.size		= sizeof(struct lc_net),
};

/**
 * lc_net_init() - the module loads: every namespace has a part of us
 *
 * Return: 0 or a negative errno.
 */
int __init lc_net_init(void)
{
	int err;

	lc_wq = alloc_workqueue("leastconn", WQ_UNBOUND, 0);
	if (!lc_wq)
		return -ENOMEM;
	err = register_pernet_subsys(&net_ops);
	if (err)
		destroy_workqueue(lc_wq);
	return err;
}

/**
 * lc_net_exit() - the module goes, no rule is left
 */
void lc_net_exit(void)
{
	unregister_pernet_subsys(&net_ops);
	lc_share_exit();
	destroy_workqueue(lc_wq);
}
