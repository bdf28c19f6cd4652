// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's data of a network namespace. The parts are put together here: each
 * part is given the parts below it that it needs, and reaches others only through these.
 */
#include <linux/ktime.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "net.h"

static unsigned int net_id __read_mostly;

/**
 * lc_net() - the module's data of a network namespace
 * @net: the namespace
 *
 * Context: any.
 * Return: the data, never NULL.
 */
struct lc_net *lc_net(const struct net *net)
{
	return net_generic(net, net_id);
}

static struct lc_scan *scan_of_net(const struct net *net)
{
	return &lc_net(net)->scan;
}

static int __net_init net_init(struct net *net)
{
	struct lc_net *ln = lc_net(net);
	int err;

	ln->net = net;
	ln->share = lc_share_get(net);
	if (!ln->share)
		return -ENOMEM;
	err = lc_backends_init(&ln->backends);
	if (err) {
		lc_share_put(ln->share);
		return err;
	}
	lc_pools_init(&ln->pools, &ln->backends);
	lc_clients_init(&ln->clients, &ln->records);
	lc_healer_init(&ln->healer, &ln->pools, &ln->clients, &ln->records,
		       ln->share);
	lc_gc_init(&ln->gc, net, &ln->records, &ln->healer);
	lc_scan_net_init(&ln->scan, &ln->gc);
	lc_tracker_init(&ln->tracker, &ln->scan, &ln->retries);
	lc_control_init(&ln->control, &ln->tracker);
	return 0;
}

/* An RCU grace period ends between this and net_exit(). */
static void __net_exit net_pre_exit(struct net *net)
{
	struct lc_net *ln = lc_net(net);

	lc_control_exit(&ln->control);
	lc_tracker_close(&ln->tracker);
	lc_healer_close(&ln->healer);
	lc_records_stop(&ln->records);
}

/* Rules may outlive this. They free what they use. */
static void __net_exit net_exit(struct net *net)
{
	struct lc_net *ln = lc_net(net);
	u64 begun = ktime_get_ns();

	lc_scan_net_exit(&ln->scan);
	lc_gc_exit(&ln->gc);
	lc_healer_exit(&ln->healer);
	lc_records_close(&ln->records);
	lc_retries_close(&ln->retries);
	lc_clients_close(&ln->clients);
	lc_pools_exit(&ln->pools);
	lc_backends_exit(&ln->backends);
	lc_share_charge_worker(ln->share, ktime_get_ns() - begun);
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
 * lc_net_init() - the module loads: set up every namespace
 *
 * Return: 0 or a negative errno.
 */
int __init lc_net_init(void)
{
	lc_scan_set_lookup(scan_of_net);
	return register_pernet_subsys(&net_ops);
}

/**
 * lc_net_exit() - the module unloads; no rule is left
 */
void lc_net_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
