// SPDX-License-Identifier: GPL-2.0-only
/* The module: initializes its parts, the lower ones first, and exits in reverse. */
#include <linux/module.h>
#include <net/genetlink.h>

#include "clients.h"
#include "ct.h"
#include "mem.h"
#include "keep.h"
#include "net.h"
#include "netlink.h"
#include "proc.h"
#include "record.h"
#include "scan.h"
#include "share.h"
#include "target.h"

static int __init lc_init(void)
{
	int err;

	lc_ct_init();
	err = lc_share_init();
	if (err)
		return err;
	err = lc_record_init();
	if (err)
		goto exit_share;
	err = lc_client_init();
	if (err)
		goto exit_record;
	err = lc_scan_init();
	if (err)
		goto exit_client;
	err = lc_keep_init();
	if (err)
		goto exit_scan;
	err = lc_net_init();
	if (err)
		goto exit_keep;
	err = lc_proc_init();
	if (err)
		goto exit_net;
	err = lc_netlink_init();
	if (err)
		goto exit_proc;
	err = lc_target_init();
	if (err)
		goto exit_netlink;
	return 0;

exit_netlink:
	lc_netlink_exit();
exit_proc:
	lc_proc_exit();
exit_net:
	lc_net_exit();
exit_keep:
	lc_keep_exit();
exit_scan:
	lc_scan_exit();
exit_client:
	lc_client_exit();
exit_record:
	lc_record_exit();
exit_share:
	lc_share_exit();
	return err;
}

static void __exit lc_exit(void)
{
	lc_target_exit();
	lc_netlink_exit();
	lc_proc_exit();
	lc_net_exit();
	lc_keep_exit();
	lc_scan_exit();
	lc_client_exit();
	lc_record_exit();
	lc_share_exit();
	lc_mem_exit();
}

module_init(lc_init);
module_exit(lc_exit);

MODULE_DESCRIPTION("Xtables: least-connections balancing by live conntrack entries");
MODULE_AUTHOR("LEASTCONN developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(LC_VERSION);
MODULE_ALIAS("ipt_LEASTCONN");
MODULE_ALIAS("ip6t_LEASTCONN");
MODULE_ALIAS_GENL_FAMILY("leastconn");
