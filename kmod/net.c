// SPDX-License-Identifier: GPL-2.0-only
/* Our part of a network namespace: what begins and ends with it. */
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "net.h"

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

static int __net_init net_init(struct net *net)
{
	struct lc_net *ln = lc_net(net);

	ln->net = net;
	lc_reaper_init(&ln->reaper);
	lc_tracker_init(&ln->tracker);
	lc_control_init(&ln->control);
	lc_pools_init(&ln->pools, &ln->backends);
	return lc_backends_init(&ln->backends);
}

/* An RCU grace period lies between this and net_exit(). */
static void __net_exit net_pre_exit(struct net *net)
{
	lc_control_exit(lc_net(net));
	lc_tracker_close(lc_net(net));
}

/* Rules may outlive this: what they hold is theirs to free. */
static void __net_exit net_exit(struct net *net)
{
	struct lc_net *ln = lc_net(net);

	lc_reaper_exit(&ln->reaper);
	lc_records_close(&ln->records);
	lc_pools_exit(&ln->pools);
	lc_backends_exit(&ln->backends);
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
	return register_pernet_subsys(&net_ops);
}

/**
 * lc_net_exit() - the module goes, no rule is left
 */
void lc_net_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
