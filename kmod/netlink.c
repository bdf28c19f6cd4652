// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control family: its commands, dumps and multicast group.
 *
 * Attributes are read in request.c, and changes are made in change.c. The interface is
 * documented in include/uapi/linux/leastconn.h.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "change.h"
#include "compat.h"
#include "event.h"
#include "mem.h"
#include "message.h"
#include "net.h"
#include "netlink.h"
#include "notify.h"
#include "request.h"
#include "share.h"
#include "snapshot.h"

static struct genl_family family;

static bool is_kill(const struct lc_request *request)
{
	return request->op == LEASTCONN_OP_KILL ||
	       request->given & LC_GIVEN_KILL;
}

static int netlink_add_changes(struct lc_net *ln, struct lc_changes *changes,
			       const struct nlmsghdr *nlh, bool *kills)
{
	const struct nlattr *attr;
	struct lc_request request;
	int rem, err = -EINVAL;

	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, rem) {
		err = lc_request_read(&request, attr, changes->extack) ?:
		      lc_control_add(&ln->control, changes, &request);
		if (err)
			return err;
		*kills |= is_kill(&request);
		cond_resched();
	}
	return err;
}

/* Called before changes are applied: after that nothing may fail. */
static struct sk_buff *killed_reply_alloc(struct genl_info *info,
					  struct nlattr **killed)
{
	struct sk_buff *skb = genlmsg_new(nla_total_size(sizeof(u32)),
					  GFP_KERNEL);
	void *message;

	if (!skb)
		return NULL;
	message = genlmsg_put_reply(skb, info, &family, 0, LEASTCONN_CMD_CHANGE);
	*killed = nla_reserve(skb, LEASTCONN_A_KILLED, sizeof(u32));
	genlmsg_end(skb, message);
	return skb;
}

static int netlink_begin_command(struct lc_share *share,
				 struct netlink_ext_ack *extack)
{
	/* A buffer may hold many commands. */
	if (fatal_signal_pending(current))
		return -EINTR;
	if (lc_share_begin_command(share))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "other commands of this user are running or have used up the user's share of time: try again");
	return -EAGAIN;
}

/* Make all changes, or none. @count receives how many conntrack entries were deleted. */
static int netlink_make_changes(struct lc_net *ln, struct genl_info *info,
				struct sk_buff **reply, struct nlattr **killed,
				u32 *count)
{
	struct lc_changes changes;
	bool kills = false;
	int err;

	lc_control_begin(&ln->control, &changes, info->extack);
	err = netlink_add_changes(ln, &changes, info->nlhdr, &kills);
	if (!err && kills) {
		*reply = killed_reply_alloc(info, killed);
		if (!*reply)
			err = -ENOMEM;
	}
	if (err) {
		lc_control_undo(&ln->control, &changes);
		return err;
	}
	lc_event_notify_changes(&family, ln->net, &changes);
	*count = lc_control_apply(&ln->control, &changes);
	lc_healer_changed(&ln->healer);
	return 0;
}

static int netlink_do_change(struct sk_buff *skb, struct genl_info *info)
{
	struct lc_net *ln = lc_net(genl_info_net(info));
	struct sk_buff *reply = NULL;
	struct nlattr *killed;
	u32 count;
	int err;

	err = netlink_begin_command(ln->share, info->extack);
	if (err)
		return err;
	err = netlink_make_changes(ln, info, &reply, &killed, &count);
	lc_share_end_command(ln->share);
	if (err || !reply)
		return err;
	memcpy(nla_data(killed), &count, sizeof(count));
	/* The changes have been made, even if the reply is lost. */
	genlmsg_reply(reply, info);
	return 0;
}

static int netlink_change(struct sk_buff *skb, struct genl_info *info)
{
	return lc_genl_doit(netlink_do_change, skb, info);
}

/**
 * struct dump - the state of a dump
 * @snapshot: the rows to send
 * @at: the next row
 */
struct dump {
	struct lc_snapshot	*snapshot;
	unsigned int		at;
};

static struct dump *dump_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump) > sizeof(cb->args));

	return (struct dump *)cb->args;
}

static struct lc_snapshot *dump_snapshot_pools(struct netlink_callback *cb)
{
	const struct nlattr *name = genl_info_dump(cb)->attrs[LEASTCONN_A_POOL];
	struct lc_pools *pools = &lc_net(sock_net(cb->skb->sk))->pools;
	struct lc_snapshot *snapshot;

	if (!name)
		return lc_snapshot_pools(pools);
	snapshot = lc_snapshot_pool(pools, nla_data(name));
	if (snapshot == ERR_PTR(-ENOENT))
		NL_SET_ERR_MSG_ATTR(cb->extack, name, "no such pool");
	return snapshot;
}

static struct lc_snapshot *dump_snapshot_backends(struct netlink_callback *cb)
{
	struct lc_backends *backends = &lc_net(sock_net(cb->skb->sk))->backends;
	struct lc_request wanted = {};
	int err;

	err = lc_request_read_key(&wanted, genl_info_dump(cb)->attrs, cb->extack);
	if (err)
		return ERR_PTR(err);
	return lc_snapshot_backends(backends, &wanted.key, wanted.given);
}

static int dump_start(struct netlink_callback *cb,
		      struct lc_snapshot *(*take)(struct netlink_callback *cb))
{
	struct lc_share *share = lc_net(sock_net(cb->skb->sk))->share;
	struct lc_snapshot *snapshot;
	int err;

	err = netlink_begin_command(share, cb->extack);
	if (err)
		return err;
	snapshot = take(cb);
	lc_share_end_command(share);
	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	*dump_of(cb) = (struct dump) { .snapshot = snapshot };
	return 0;
}

static int dump_start_pools(struct netlink_callback *cb)
{
	return dump_start(cb, dump_snapshot_pools);
}

static int dump_start_backends(struct netlink_callback *cb)
{
	return dump_start(cb, dump_snapshot_backends);
}

static int dump_put_message(struct sk_buff *skb, struct netlink_callback *cb,
			    u8 cmd, const struct lc_row *row)
{
	void *message = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				    cb->nlh->nlmsg_seq, &family, NLM_F_MULTI,
				    cmd);

	if (!message)
		return -EMSGSIZE;
	if (lc_message_put(skb, row)) {
		genlmsg_cancel(skb, message);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, message);
	return 0;
}

/* The first part of a dump is made while other commands wait. */
static int dump_put_rows(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	struct dump *dump = dump_of(cb);
	u64 begun = ktime_get_ns();

	while (dump->at < dump->snapshot->count &&
	       !dump_put_message(skb, cb, cmd, &dump->snapshot->rows[dump->at]))
		dump->at++;
	lc_share_charge_command(lc_net(sock_net(cb->skb->sk))->share, begun);
	return skb->len;
}

static int dump_pools(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_put_rows(skb, cb, LEASTCONN_CMD_GET_POOLS);
}

static int dump_backends(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_put_rows(skb, cb, LEASTCONN_CMD_GET_BACKENDS);
}

static int dump_done(struct netlink_callback *cb)
{
	lc_snapshot_free(dump_of(cb)->snapshot);
	return 0;
}

/**
 * struct clients_dump - the state of a dump of clients
 * @filter: selects clients
 * @cursor: where the next message goes on
 * @begun: the first part has been made. Commands of other users wait for that part, so it
 *	is a command like others
 */
struct clients_dump {
	struct lc_client_filter	filter;
	struct lc_client_cursor	cursor;
	bool			begun;
};

/* On success the caller frees the keys in the filter. */
static int netlink_read_filter(struct lc_client_filter *filter, struct lc_net *ln,
			       struct nlattr *tb[], struct netlink_ext_ack *extack)
{
	const struct nlattr *name = tb[LEASTCONN_A_POOL];
	struct lc_pool_keys *keys;
	int err;

	err = lc_request_read_client(filter, tb, extack);
	if (err || !name)
		return err;
	keys = lc_pool_keys_alloc(&ln->pools, nla_data(name));
	if (keys == ERR_PTR(-ENOENT))
		NL_SET_ERR_MSG_ATTR(extack, name, "no such pool");
	if (IS_ERR(keys))
		return PTR_ERR(keys);
	filter->pool = keys;
	return 0;
}

static int dump_start_clients(struct netlink_callback *cb)
{
	struct lc_net *ln = lc_net(sock_net(cb->skb->sk));
	struct clients_dump *dump;
	int err;

	dump = kzalloc(sizeof(*dump), lc_mem_gfp());
	if (!dump)
		return -ENOMEM;
	err = netlink_begin_command(ln->share, cb->extack);
	if (err)
		goto free_dump;
	err = netlink_read_filter(&dump->filter, ln, genl_info_dump(cb)->attrs,
				  cb->extack);
	/* If the socket has no room, the first part is made later, or never. */
	lc_share_end_command(ln->share);
	if (err)
		goto free_dump;
	cb->args[0] = (long)dump;
	return 0;

free_dump:
	kfree(dump);
	return err;
}

static int dump_put_client(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct lc_client_row *row)
{
	void *message = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				    cb->nlh->nlmsg_seq, &family, NLM_F_MULTI,
				    LEASTCONN_CMD_GET_CLIENTS);

	if (!message)
		return -EMSGSIZE;
	if (lc_message_put_client(skb, row)) {
		genlmsg_cancel(skb, message);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, message);
	return 0;
}

/* A client for which there is no room is found again for the next part. */
static void dump_put_clients(struct sk_buff *skb, struct netlink_callback *cb,
			     struct clients_dump *dump, struct lc_clients *clients)
{
	struct lc_client_cursor cursor = dump->cursor;
	struct lc_client_row row;

	while (lc_clients_next(clients, &cursor, &dump->filter, &row)) {
		if (dump_put_client(skb, cb, &row))
			return;
		dump->cursor = cursor;
	}
	dump->cursor = cursor;
}

static int dump_clients(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct clients_dump *dump = (struct clients_dump *)cb->args[0];
	struct lc_net *ln = lc_net(sock_net(cb->skb->sk));
	u64 begun = ktime_get_ns();
	int err;

	if (!dump->begun) {
		err = netlink_begin_command(ln->share, cb->extack);
		if (err)
			return err;
	}
	dump_put_clients(skb, cb, dump, &ln->clients);
	if (dump->begun)
		lc_share_charge_command(ln->share, begun);
	else
		lc_share_end_command(ln->share);
	dump->begun = true;
	return skb->len;
}

static int dump_done_clients(struct netlink_callback *cb)
{
	struct clients_dump *dump = (struct clients_dump *)cb->args[0];

	kvfree(dump->filter.pool);
	kfree(dump);
	return 0;
}

static int netlink_flush_clients(struct sk_buff *skb, struct genl_info *info)
{
	struct lc_net *ln = lc_net(genl_info_net(info));
	struct lc_client_filter filter = {};
	int err;

	err = netlink_begin_command(ln->share, info->extack);
	if (err)
		return err;
	err = netlink_read_filter(&filter, ln, info->attrs, info->extack);
	if (!err)
		lc_clients_flush(&ln->clients, &filter);
	lc_share_end_command(ln->share);
	kvfree(filter.pool);
	return err;
}

static const struct genl_ops ops[] = {
	{
		.cmd		= LEASTCONN_CMD_CHANGE,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= lc_changes_policy,
		.maxattr	= LC_CHANGES_POLICY_SIZE - 1,
		.doit		= netlink_change,
	},
	{
		.cmd		= LEASTCONN_CMD_GET_POOLS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= lc_pools_policy,
		.maxattr	= LC_POOLS_POLICY_SIZE - 1,
		.start		= dump_start_pools,
		.dumpit		= dump_pools,
		.done		= dump_done,
	},
	{
		.cmd		= LEASTCONN_CMD_GET_BACKENDS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= lc_backends_policy,
		.maxattr	= LC_BACKENDS_POLICY_SIZE - 1,
		.start		= dump_start_backends,
		.dumpit		= dump_backends,
		.done		= dump_done,
	},
	{
		.cmd		= LEASTCONN_CMD_GET_CLIENTS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= lc_clients_policy,
		.maxattr	= LC_CLIENTS_POLICY_SIZE - 1,
		.start		= dump_start_clients,
		.dumpit		= dump_clients,
		.done		= dump_done_clients,
	},
	{
		.cmd		= LEASTCONN_CMD_FLUSH_CLIENTS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= lc_clients_policy,
		.maxattr	= LC_CLIENTS_POLICY_SIZE - 1,
		.doit		= netlink_flush_clients,
	},
};

static const struct genl_multicast_group groups[] = {
	{ .name = LEASTCONN_MCGRP_EVENTS, LC_MCAST_CAP_NET_ADMIN },
};

/* parallel_ops: commands take locks of their own, not that of all families. */
static struct genl_family family __ro_after_init = {
	.name		= LEASTCONN_GENL_NAME,
	.version	= LEASTCONN_GENL_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.ops		= ops,
	.n_ops		= ARRAY_SIZE(ops),
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
};

static u64 netlink_notify(struct lc_pools *pools)
{
	return lc_event_check(&family, container_of(pools, struct lc_net, pools));
}

/**
 * lc_netlink_init() - the module loads: register the control family
 *
 * Return: 0 or a negative errno.
 */
int __init lc_netlink_init(void)
{
	int err = genl_register_family(&family);

	if (!err)
		lc_notify_set(netlink_notify);
	return err;
}

/**
 * lc_netlink_exit() - the module unloads: unregister the control family
 */
void lc_netlink_exit(void)
{
	lc_notify_set(NULL);
	/* The work of healer.c may still be calling the notifier. */
	flush_workqueue(lc_wq);
	genl_unregister_family(&family);
}
