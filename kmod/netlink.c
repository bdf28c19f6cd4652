// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control family: messages into requests, and what answers them.
 *
 * Nothing here knows what a change means. The contract is in uapi's leastconn.h.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "change.h"
#include "compat.h"
#include "event.h"
#include "message.h"
#include "net.h"
#include "netlink.h"
#include "share.h"
#include "snapshot.h"

static struct genl_family family;

/* Not const: kernels before 6.2 would complain. */
static struct netlink_range_validation sixteen_bits = {
	.max	= 65535,
};

static struct netlink_range_validation a_time = {
	.max	= LEASTCONN_MAX_SECONDS,
};

static struct netlink_range_validation a_rest = {
	.min	= 1,
	.max	= LEASTCONN_MAX_SECONDS,
};

static const struct nla_policy change_policy[LEASTCONN_A_MAX + 1] = {
	[LEASTCONN_A_OP]	= NLA_POLICY_RANGE(NLA_U32, 1, LEASTCONN_OP_MAX),
	[LEASTCONN_A_POOL]	= { .type = NLA_NUL_STRING,
				    .len = LEASTCONN_NAME_SIZE - 1 },
	[LEASTCONN_A_FAMILY]	= { .type = NLA_U32 },
	[LEASTCONN_A_ADDRESS]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LEASTCONN_A_PORT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &sixteen_bits),
	[LEASTCONN_A_PROTO]	= NLA_POLICY_MAX(NLA_U32, 255),
	[LEASTCONN_A_WEIGHT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &sixteen_bits),
	[LEASTCONN_A_MAX_CONNS]	= { .type = NLA_U32 },
	[LEASTCONN_A_BACKUP]	= NLA_POLICY_MAX(NLA_U32, 1),
	[LEASTCONN_A_STATE]	= NLA_POLICY_MAX(NLA_U32, LEASTCONN_STATE_MAX),
	[LEASTCONN_A_MAX_FAILS]	= { .type = NLA_U32 },
	[LEASTCONN_A_FAIL_TIMEOUT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &a_rest),
	[LEASTCONN_A_SLOW_START]	= NLA_POLICY_FULL_RANGE(NLA_U32, &a_time),
	[LEASTCONN_A_PERSISTENT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &a_time),
	[LEASTCONN_A_PERSISTENT_MASK]	= NLA_POLICY_RANGE(NLA_U32, 1, 128),
	[LEASTCONN_A_REDISPATCH]	= NLA_POLICY_MAX(NLA_U32, 1),
	[LEASTCONN_A_KILL]	= { .type = NLA_FLAG },
	[LEASTCONN_A_AHEAD]	= { .type = NLA_FLAG },
};

static const struct nla_policy changes_policy[LEASTCONN_A_CHANGE + 1] = {
	[LEASTCONN_A_CHANGE]	= NLA_POLICY_NESTED(change_policy),
};

static const struct nla_policy pools_policy[LEASTCONN_A_POOL + 1] = {
	[LEASTCONN_A_POOL]	= { .type = NLA_NUL_STRING,
				    .len = LEASTCONN_NAME_SIZE - 1 },
};

static const struct nla_policy backends_policy[LEASTCONN_A_PROTO + 1] = {
	[LEASTCONN_A_FAMILY]	= { .type = NLA_U32 },
	[LEASTCONN_A_ADDRESS]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LEASTCONN_A_PORT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &sixteen_bits),
	[LEASTCONN_A_PROTO]	= NLA_POLICY_MAX(NLA_U32, 255),
};

#define A(name)		BIT_ULL(LEASTCONN_A_##name)
#define A_BACKEND	(A(FAMILY) | A(ADDRESS))
#define A_SERVICE	(A(PORT) | A(PROTO))
#define A_SETTINGS	(A(MAX_FAILS) | A(FAIL_TIMEOUT) | A(SLOW_START) | \
			 A(REDISPATCH) | A(PERSISTENT) | A(PERSISTENT_MASK))
#define A_TERMS		(A(WEIGHT) | A(MAX_CONNS) | A(BACKUP) | A(STATE))

/* What a change must and may have. */
static const struct {
	u64 needs, allows;
} shapes[LEASTCONN_OP_MAX + 1] = {
	[LEASTCONN_OP_POOL_ADD]	= { A(POOL), A_SETTINGS },
	[LEASTCONN_OP_POOL_SET]	= { A(POOL), A_SETTINGS },
	[LEASTCONN_OP_POOL_DEL]	= { A(POOL) },
	[LEASTCONN_OP_ADD]	= { A(POOL) | A_BACKEND, A_SERVICE | A_TERMS },
	[LEASTCONN_OP_SET]	= { A(POOL) | A_BACKEND, A_SERVICE | A_TERMS },
	[LEASTCONN_OP_DEL]	= { A(POOL) | A_BACKEND, A_SERVICE | A(KILL) },
	[LEASTCONN_OP_STATE]	= { A_BACKEND | A(STATE), A_SERVICE | A(AHEAD) },
	[LEASTCONN_OP_KILL]	= { A_BACKEND, A_SERVICE },
};

#define refuse(extack, attr, sentence) ({				\
	NL_SET_ERR_MSG_ATTR(extack, attr, sentence);			\
	-EINVAL;							\
})

static int check_shape(struct nlattr *tb[], const struct nlattr *change,
		       u8 op, struct netlink_ext_ack *extack)
{
	u64 missing = shapes[op].needs;
	unsigned int i;

	BUILD_BUG_ON(LEASTCONN_A_MAX >= 64);

	for (i = 0; i <= LEASTCONN_A_MAX; i++) {
		if (!tb[i] || i == LEASTCONN_A_OP)
			continue;
		if (!((shapes[op].needs | shapes[op].allows) & BIT_ULL(i)))
			return refuse(extack, tb[i],
				      "this change has no such attribute");
		missing &= ~BIT_ULL(i);
	}
	if (missing & A(POOL))
		return refuse(extack, change, "a pool's name is missing");
	if (missing & A(STATE))
		return refuse(extack, change, "a state is missing");
	if (missing)
		return refuse(extack, change,
			      "a backend's family and address are missing");
	return 0;
}

static int read_family(struct lc_request *request, const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	u32 value;

	if (!attr)
		return 0;
	value = nla_get_u32(attr);
	if (value != NFPROTO_IPV4 && value != NFPROTO_IPV6)
		return refuse(extack, attr,
			      "the family is neither IPv4 nor IPv6");
	request->key.family = value;
	request->given |= LC_GIVEN_FAMILY;
	return 0;
}

static int read_address(struct lc_request *request, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	struct lc_backend_key *key = &request->key;

	if (!attr)
		return 0;
	if (!key->family)
		return refuse(extack, attr, "the address's family is missing");
	if (nla_len(attr) != (key->family == NFPROTO_IPV6 ? 16 : 4))
		return refuse(extack, attr,
			      "the address has not the length of its family's");
	memcpy(&key->addr, nla_data(attr), nla_len(attr));
	if (!lc_address_is_good(&key->addr, key->family))
		return refuse(extack, attr, "this is no unicast address");
	request->given |= LC_GIVEN_ADDRESS;
	return 0;
}

static int read_service(struct lc_request *request, const struct nlattr *port,
			const struct nlattr *proto,
			struct netlink_ext_ack *extack)
{
	struct lc_backend_key *key = &request->key;

	if (port) {
		key->port = htons(nla_get_u32(port));
		request->given |= LC_GIVEN_PORT;
	}
	if (!proto)
		return 0;
	key->proto = nla_get_u32(proto);
	request->given |= LC_GIVEN_PROTO;
	if (key->port && !lc_proto_has_ports(key->proto))
		return refuse(extack, proto,
			      "with a port: tcp, udp, sctp, dccp or udplite");
	if (request->name && !key->port && key->proto)
		return refuse(extack, proto,
			      "a backend without a port has no protocol");
	return 0;
}

static int read_key(struct lc_request *request, struct nlattr *tb[],
		    struct netlink_ext_ack *extack)
{
	return read_family(request, tb[LEASTCONN_A_FAMILY], extack) ?:
	       read_address(request, tb[LEASTCONN_A_ADDRESS], extack) ?:
	       read_service(request, tb[LEASTCONN_A_PORT],
			    tb[LEASTCONN_A_PROTO], extack);
}

static void read_terms(struct lc_request *request, struct nlattr *tb[])
{
	struct lc_terms *terms = &request->terms;

	if (tb[LEASTCONN_A_WEIGHT]) {
		terms->weight = nla_get_u32(tb[LEASTCONN_A_WEIGHT]);
		request->given |= LC_GIVEN_WEIGHT;
	}
	if (tb[LEASTCONN_A_MAX_CONNS]) {
		terms->max_conns = nla_get_u32(tb[LEASTCONN_A_MAX_CONNS]);
		request->given |= LC_GIVEN_MAX_CONNS;
	}
	if (tb[LEASTCONN_A_BACKUP]) {
		terms->backup = nla_get_u32(tb[LEASTCONN_A_BACKUP]);
		request->given |= LC_GIVEN_BACKUP;
	}
	if (tb[LEASTCONN_A_STATE]) {
		request->state = nla_get_u32(tb[LEASTCONN_A_STATE]);
		request->given |= LC_GIVEN_STATE;
	}
	if (tb[LEASTCONN_A_KILL])
		request->given |= LC_GIVEN_KILL;
	if (tb[LEASTCONN_A_AHEAD])
		request->given |= LC_GIVEN_AHEAD;
}

static void read_settings(struct lc_request *request, struct nlattr *tb[])
{
	struct lc_settings *settings = &request->settings;

	if (tb[LEASTCONN_A_MAX_FAILS]) {
		settings->max_fails = nla_get_u32(tb[LEASTCONN_A_MAX_FAILS]);
		request->given |= LC_GIVEN_MAX_FAILS;
	}
	if (tb[LEASTCONN_A_FAIL_TIMEOUT]) {
		settings->fail_timeout = nla_get_u32(tb[LEASTCONN_A_FAIL_TIMEOUT]);
		request->given |= LC_GIVEN_FAIL_TIMEOUT;
	}
	if (tb[LEASTCONN_A_SLOW_START]) {
		settings->slow_start = nla_get_u32(tb[LEASTCONN_A_SLOW_START]);
		request->given |= LC_GIVEN_SLOW_START;
	}
	if (tb[LEASTCONN_A_PERSISTENT]) {
		settings->persistent = nla_get_u32(tb[LEASTCONN_A_PERSISTENT]);
		request->given |= LC_GIVEN_PERSISTENT;
	}
	if (tb[LEASTCONN_A_PERSISTENT_MASK]) {
		settings->persistent_mask =
			nla_get_u32(tb[LEASTCONN_A_PERSISTENT_MASK]);
		request->given |= LC_GIVEN_PERSISTENT_MASK;
	}
	if (tb[LEASTCONN_A_REDISPATCH]) {
		settings->redispatch = nla_get_u32(tb[LEASTCONN_A_REDISPATCH]);
		request->given |= LC_GIVEN_REDISPATCH;
	}
}

static int read_name(struct lc_request *request, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	request->name = nla_data(attr);
	if (!lc_pool_is_name(request->name, strlen(request->name)))
		return refuse(extack, attr,
			      "a pool's name is 1 to 31 of A-Z a-z 0-9 _ . -");
	return 0;
}

static int read_change(struct lc_request *request, const struct nlattr *change,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[LEASTCONN_A_MAX + 1];
	int err;

	err = nla_parse_nested(tb, LEASTCONN_A_MAX, change, change_policy,
			       extack);
	if (err)
		return err;
	if (!tb[LEASTCONN_A_OP])
		return refuse(extack, change, "what to change is missing");
	*request = (struct lc_request) {
		.op	= nla_get_u32(tb[LEASTCONN_A_OP]),
		.attr	= change,
	};
	err = check_shape(tb, change, request->op, extack) ?:
	      read_name(request, tb[LEASTCONN_A_POOL], extack) ?:
	      read_key(request, tb, extack);
	if (err)
		return err;
	read_terms(request, tb);
	read_settings(request, tb);
	return 0;
}

static bool is_kill(const struct lc_request *request)
{
	return request->op == LEASTCONN_OP_KILL ||
	       request->given & LC_GIVEN_KILL;
}

static int add_changes(struct lc_net *ln, struct lc_changes *changes,
		       const struct nlmsghdr *nlh, bool *kills)
{
	const struct nlattr *attr;
	struct lc_request request;
	int rem, err = -EINVAL;

	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, rem) {
		err = read_change(&request, attr, changes->extack) ?:
		      lc_control_add(ln, changes, &request);
		if (err)
			return err;
		*kills |= is_kill(&request);
		cond_resched();
	}
	return err;
}

/* Made before anything is done, so that the answer cannot fail afterwards. */
static struct sk_buff *killed_alloc(struct genl_info *info, struct nlattr **killed)
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

static int take_share(struct lc_share *share, struct netlink_ext_ack *extack)
{
	if (lc_share_take(share))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "other commands of this user are under way: try again");
	return -EAGAIN;
}

/* All or nothing. @count: how many conntrack entries were deleted. */
static int make_changes(struct lc_net *ln, struct genl_info *info,
			struct sk_buff **reply, struct nlattr **killed,
			u32 *count)
{
	struct lc_changes changes;
	bool kills = false;
	int err;

	lc_control_begin(ln, &changes, info->extack);
	err = add_changes(ln, &changes, info->nlhdr, &kills);
	if (!err && kills) {
		*reply = killed_alloc(info, killed);
		if (!*reply)
			err = -ENOMEM;
	}
	if (err) {
		lc_control_undo(ln, &changes);
		return err;
	}
	lc_events_of_changes(&family, ln->net, &changes);
	*count = lc_control_apply(ln, &changes);
	lc_net_changed(ln);
	return 0;
}

static int do_change(struct sk_buff *skb, struct genl_info *info)
{
	struct lc_net *ln = lc_net(genl_info_net(info));
	struct sk_buff *reply = NULL;
	struct nlattr *killed;
	u32 count;
	int err;

	err = take_share(ln->share, info->extack);
	if (err)
		return err;
	err = make_changes(ln, info, &reply, &killed, &count);
	lc_share_give(ln->share);
	if (err || !reply)
		return err;
	memcpy(nla_data(killed), &count, sizeof(count));
	/* Should it be lost, the changes are made all the same. */
	genlmsg_reply(reply, info);
	return 0;
}

static int change(struct sk_buff *skb, struct genl_info *info)
{
	return lc_genl_doit(do_change, skb, info);
}

/* A dump's: what there is to tell, and where it goes on. */
struct dump {
	struct lc_snapshot	*snapshot;
	unsigned int		at;
};

static struct dump *dump_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump) > sizeof(cb->args));

	return (struct dump *)cb->args;
}

static struct lc_snapshot *snapshot_pools(struct netlink_callback *cb)
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

static struct lc_snapshot *snapshot_backends(struct netlink_callback *cb)
{
	struct lc_backends *backends = &lc_net(sock_net(cb->skb->sk))->backends;
	struct lc_request wanted = {};
	int err;

	err = read_key(&wanted, genl_info_dump(cb)->attrs, cb->extack);
	if (err)
		return ERR_PTR(err);
	return lc_snapshot_backends(backends, &wanted.key, wanted.given);
}

static int start(struct netlink_callback *cb,
		 struct lc_snapshot *(*take)(struct netlink_callback *cb))
{
	struct lc_share *share = lc_net(sock_net(cb->skb->sk))->share;
	struct lc_snapshot *snapshot;
	int err;

	err = take_share(share, cb->extack);
	if (err)
		return err;
	snapshot = take(cb);
	lc_share_give(share);
	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	*dump_of(cb) = (struct dump) { .snapshot = snapshot };
	return 0;
}

static int start_pools(struct netlink_callback *cb)
{
	return start(cb, snapshot_pools);
}

static int start_backends(struct netlink_callback *cb)
{
	return start(cb, snapshot_backends);
}

static int put_message(struct sk_buff *skb, struct netlink_callback *cb,
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

static int put_rows(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	struct dump *dump = dump_of(cb);

	while (dump->at < dump->snapshot->count &&
	       !put_message(skb, cb, cmd, &dump->snapshot->rows[dump->at]))
		dump->at++;
	return skb->len;
}

static int dump_pools(struct sk_buff *skb, struct netlink_callback *cb)
{
	return put_rows(skb, cb, LEASTCONN_CMD_GET_POOLS);
}

static int dump_backends(struct sk_buff *skb, struct netlink_callback *cb)
{
	return put_rows(skb, cb, LEASTCONN_CMD_GET_BACKENDS);
}

static int dump_done(struct netlink_callback *cb)
{
	lc_snapshot_free(dump_of(cb)->snapshot);
	return 0;
}

static const struct genl_ops ops[] = {
	{
		.cmd		= LEASTCONN_CMD_CHANGE,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= changes_policy,
		.maxattr	= ARRAY_SIZE(changes_policy) - 1,
		.doit		= change,
	},
	{
		.cmd		= LEASTCONN_CMD_GET_POOLS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= pools_policy,
		.maxattr	= ARRAY_SIZE(pools_policy) - 1,
		.start		= start_pools,
		.dumpit		= dump_pools,
		.done		= dump_done,
	},
	{
		.cmd		= LEASTCONN_CMD_GET_BACKENDS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= backends_policy,
		.maxattr	= ARRAY_SIZE(backends_policy) - 1,
		.start		= start_backends,
		.dumpit		= dump_backends,
		.done		= dump_done,
	},
};

static const struct genl_multicast_group groups[] = {
	{ .name = LEASTCONN_MCGRP_EVENTS, LC_MCAST_CAP_NET_ADMIN },
};

/* Our own locks let the commands in, not the one of all families. */
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

static u64 look(struct lc_net *ln)
{
	return lc_events_look(&family, ln);
}

/**
 * lc_netlink_init() - from here on there is control
 *
 * Return: 0 or a negative errno.
 */
int __init lc_netlink_init(void)
{
	int err = genl_register_family(&family);

	if (!err)
		lc_net_watch(look);
	return err;
}

/**
 * lc_netlink_exit() - the module goes, nobody controls it
 */
void lc_netlink_exit(void)
{
	lc_net_watch(NULL);
	genl_unregister_family(&family);
}
