// SPDX-License-Identifier: GPL-2.0-only
/* The module and the namespaces: what begins and ends, and in which order. */
#include <linux/module.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "compat.h"
#include "net.h"
#include "proc.h"
#include "target.h"

static unsigned int lc_net_id __read_mostly;

/**
 * lc_net() - our part of a network namespace
 * @net: the namespace
 *
 * Context: any.
 * Return: it; never NULL.
 */
struct lc_net *lc_net(const struct net *net)
{
	return net_generic(net, lc_net_id);
}

static int __net_init net_init(struct net *net)
{
	struct lc_net *ln = lc_net(net);
	int err;

	ln->net = net;
	err = lc_backends_init(&ln->backends);
	if (err)
		return err;
	err = lc_records_init(&ln->records);
	if (err)
		goto exit_backends;
	lc_reaper_init(&ln->reaper);
	lc_tracker_init(&ln->tracker);
	err = lc_proc_init(net);
	if (err)
		goto exit_records;
	return 0;

exit_records:
	lc_records_exit(&ln->records);
exit_backends:
	lc_backends_exit(&ln->backends);
	return err;
}

/* An RCU grace period lies between this and net_exit(). */
static void __net_exit net_pre_exit(struct net *net)
{
	lc_tracker_close(lc_net(net));
}

/* Rules may outlive this: what they hold is theirs to free. */
static void __net_exit net_exit(struct net *net)
{
	struct lc_net *ln = lc_net(net);

	lc_proc_exit(net);
	lc_reaper_exit(&ln->reaper);
	lc_records_exit(&ln->records);
	lc_backends_exit(&ln->backends);
}

static struct pernet_operations net_ops = {
	.init		= net_init,
	.pre_exit	= net_pre_exit,
	.exit		= net_exit,
	.id		= &lc_net_id,
	.size		= sizeof(struct lc_net),
};

static int __init lc_init(void)
{
	int err;

	err = lc_record_init();
	if (err)
		return err;
	err = lc_reap_init();
	if (err)
		goto exit_record;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto exit_reap;
	err = lc_target_init();
	if (err)
		goto unregister_net;
	return 0;

unregister_net:
	unregister_pernet_subsys(&net_ops);
exit_reap:
	lc_reap_exit();
exit_record:
	lc_record_exit();
	return err;
}

static void __exit lc_exit(void)
{
	lc_target_exit();
	unregister_pernet_subsys(&net_ops);
	lc_reap_exit();
	lc_record_exit();
}

module_init(lc_init);
module_exit(lc_exit);

MODULE_DESCRIPTION("Xtables: least-connections balancing by live conntrack entries");
MODULE_AUTHOR("LEASTCONN developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(LC_VERSION);
MODULE_ALIAS("ipt_LEASTCONN");
MODULE_ALIAS("ip6t_LEASTCONN");
