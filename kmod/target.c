// SPDX-License-Identifier: GPL-2.0-only
/*
 * The xtables face: check a rule, choose for a packet, translate.
 *
 * Nothing here trusts the plugin: iptables-legacy hands over whatever bytes a
 * program wrote into a socket option, iptables-nft whatever it wrote into a
 * netlink message.
 */
#define pr_fmt(fmt) "LEASTCONN: " fmt

#include <linux/module.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>

#include <linux/netfilter/xt_LEASTCONN.h>

#include "addr.h"
#include "ct.h"
#include "net.h"
#include "target.h"

/* Say why a rule is refused; whoever sent it sees EINVAL and asks the log. */
#define refuse(fmt, ...) ({						\
	pr_info_ratelimited("rule refused: " fmt "\n", ##__VA_ARGS__);	\
	-EINVAL;							\
})

/* The one protocol a rule matches, 0 when it matches several. */
static u8 rule_proto(const struct xt_tgchk_param *par)
{
	const struct ip6t_ip6 *ip6 = par->entryinfo;
	const struct ipt_ip *ip = par->entryinfo;

	if (par->family == NFPROTO_IPV6)
		return ip6->invflags & XT_INV_PROTO ? 0 : ip6->proto;
	return ip->invflags & XT_INV_PROTO ? 0 : ip->proto;
}

static int check_backend(const struct xt_tgchk_param *par, unsigned int at)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	const struct xt_leastconn_backend *backend = &info->backends[at];
	unsigned int i;

	if (!lc_addr_is_unicast(&backend->addr, par->family))
		return refuse("backend %u: not a unicast address of the rule's family",
			      at + 1);
	if (backend->port && !lc_proto_has_ports(rule_proto(par)))
		return refuse("backend %u: a port needs -p tcp, udp, sctp, dccp or udplite",
			      at + 1);
	if (backend->flags & ~XT_LEASTCONN_BACKEND_MASK)
		return refuse("backend %u: unknown flags %#x", at + 1,
			      backend->flags);
	for (i = 0; i < at; i++)
		if (nf_inet_addr_cmp(&info->backends[i].addr, &backend->addr) &&
		    info->backends[i].port == backend->port)
			return refuse("backend %u: same address and port as backend %u",
				      at + 1, i + 1);
	return 0;
}

static int check_backends(const struct xt_tgchk_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	unsigned int i;
	int err;

	if (!info->count || info->count > XT_LEASTCONN_MAX_BACKENDS)
		return refuse("%u backends, allowed are 1 to %u", info->count,
			      XT_LEASTCONN_MAX_BACKENDS);
	for (i = 0; i < info->count; i++) {
		err = check_backend(par, i);
		if (err)
			return err;
	}
	return 0;
}

static int check_name(const struct xt_leastconn_tginfo *info)
{
	size_t len = strnlen(info->name, sizeof(info->name));

	if (memchr_inv(info->name + len, 0, sizeof(info->name) - len))
		return refuse("pool name: nonzero bytes after its end");
	if (!len)
		return 0;
	if (!lc_pool_is_name(info->name, len))
		return refuse("pool name: use 1 to %u characters out of A-Z a-z 0-9 _ . -",
			      LEASTCONN_NAME_SIZE - 1);
	if (info->count)
		return refuse("pool name: not allowed together with %u backends",
			      info->count);
	return 0;
}

/* They are the pool's. */
static int check_no_settings(const struct xt_leastconn_tginfo *info)
{
	if (info->flags || info->max_fails || info->fail_timeout ||
	    info->slow_start || info->persistent || info->persistent_mask)
		return refuse("settings: not allowed together with a pool name");
	return 0;
}

static int check_settings(const struct xt_leastconn_tginfo *info, u8 family)
{
	const unsigned int bits = family == NFPROTO_IPV6 ? 128 : 32;

	if (info->flags & ~XT_LEASTCONN_MASK)
		return refuse("unknown flags %#x", info->flags);
	if (!info->fail_timeout ||
	    info->fail_timeout > XT_LEASTCONN_MAX_SECONDS)
		return refuse("fail timeout of %u s, allowed are 1 to %u",
			      info->fail_timeout, XT_LEASTCONN_MAX_SECONDS);
	if (info->slow_start > XT_LEASTCONN_MAX_SECONDS)
		return refuse("slow start of %u s, allowed are 0 to %u",
			      info->slow_start, XT_LEASTCONN_MAX_SECONDS);
	if (info->persistent > XT_LEASTCONN_MAX_SECONDS)
		return refuse("persistence of %u s, allowed are 0 to %u",
			      info->persistent, XT_LEASTCONN_MAX_SECONDS);
	if (!info->persistent_mask || info->persistent_mask > bits)
		return refuse("persistent mask of %u bits, allowed are 1 to %u",
			      info->persistent_mask, bits);
	return 0;
}

static int check_rule(const struct xt_tgchk_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	int err;

	err = check_name(info);
	if (!err)
		err = info->name[0] ? check_no_settings(info) :
				      check_settings(info, par->family);
	if (!err && !info->name[0])
		err = check_backends(par);
	if (err)
		return err;
	if (memchr_inv(&info->backends[info->count], 0,
		       offsetof(struct xt_leastconn_tginfo, pool) -
		       offsetof(struct xt_leastconn_tginfo, backends) -
		       info->count * sizeof(info->backends[0])))
		return refuse("nonzero bytes after the last of %u backends",
			      info->count);
	return 0;
}

static int add_backend(struct lc_pool *pool, const struct xt_tgchk_param *par,
		       const struct xt_leastconn_backend *backend)
{
	const struct lc_backend_key key = {
		.addr	= backend->addr,
		.port	= backend->port,
		.proto	= backend->port ? rule_proto(par) : 0,
		.family	= par->family,
	};
	const struct lc_terms terms = {
		.max_conns	= backend->max_conns,
		.weight		= backend->weight,
		.backup		= backend->flags & XT_LEASTCONN_BACKUP,
	};
	struct lc_member *member = lc_member_add(pool, &key, &terms);

	if (IS_ERR(member))
		return PTR_ERR(member);
	lc_member_update(member);
	return 0;
}

/* The rule's own, of the backends after --to. */
static struct lc_pool *own_pool(const struct xt_tgchk_param *par,
				struct lc_pools *pools)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_pool *pool;
	unsigned int i;
	int err;

	pool = lc_pool_alloc(pools, NULL, info->count);
	if (IS_ERR(pool))
		return pool;
	pool->wanted = (struct lc_settings) {
		.max_fails	= info->max_fails,
		.fail_timeout	= info->fail_timeout,
		.slow_start	= info->slow_start,
		.persistent	= info->persistent,
		.persistent_mask = info->persistent_mask,
		.redispatch	= info->flags & XT_LEASTCONN_REDISPATCH,
	};
	lc_pool_update(pool);
	for (i = 0; i < info->count; i++) {
		err = add_backend(pool, par, &info->backends[i]);
		if (err) {
			lc_pool_free(pool);
			return ERR_PTR(err);
		}
	}
	return pool;
}

/* The namespace's, with the name after --pool. */
static struct lc_pool *named_pool(const struct xt_tgchk_param *par,
				  struct lc_pools *pools)
{
	struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_pool *pool = lc_pool_find(pools, info->name);
	const char *reason;

	if (!pool)
		return ERR_PTR(refuse("no pool \"%s\": create it first (leastconnctl pool add)",
				      info->name));
	info->proto = rule_proto(par);
	reason = lc_pool_use(pool, par->family, info->proto);
	if (reason)
		return ERR_PTR(refuse("pool \"%s\": %s", info->name, reason));
	return pool;
}

static struct lc_pool *rule_pool(const struct xt_tgchk_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_pools *pools = &lc_net(par->net)->pools;
	struct lc_pool *pool;

	mutex_lock(&pools->backends->lock);
	pool = info->name[0] ? named_pool(par, pools) : own_pool(par, pools);
	mutex_unlock(&pools->backends->lock);
	return pool;
}

static int leastconn_check(const struct xt_tgchk_param *par)
{
	struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_net *ln = lc_net(par->net);
	int err;

	err = check_rule(par);
	if (err)
		return err;
	err = lc_track_get(&ln->tracker, par->family);
	if (err) {
		pr_info_ratelimited("rule refused: connections cannot be tracked (error %d)\n",
				    err);
		return err;
	}
	err = info->persistent ? lc_clients_open(&ln->clients) : 0;
	if (err)
		goto put_track;
	info->pool = rule_pool(par);
	if (IS_ERR(info->pool)) {
		err = PTR_ERR(info->pool);
		goto put_track;
	}
	lc_scan_adopt(&ln->scan);
	lc_health_check(&ln->healer);
	return 0;

put_track:
	lc_track_put(&ln->tracker, par->family);
	return err;
}

/* Also called after the namespace's own exit. */
static void leastconn_destroy(const struct xt_tgdtor_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_net *ln = lc_net(par->net);

	mutex_lock(&ln->backends.lock);
	if (info->name[0])
		lc_pool_unuse(info->pool, par->family, info->proto);
	else
		lc_pool_free(info->pool);
	mutex_unlock(&ln->backends.lock);
	lc_track_put(&ln->tracker, par->family);
}

/* Only a client's new connection that nothing has translated is balanced. */
static bool is_balanced(struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return ct && ctinfo == IP_CT_NEW && !nf_ct_is_confirmed(ct) &&
	       !nf_nat_initialized(ct, NF_NAT_MANIP_DST);
}

static unsigned int translate(struct nf_conn *ct,
			      const struct lc_backend_key *key)
{
	const struct nf_nat_range2 range = {
		.flags		= NF_NAT_RANGE_MAP_IPS |
				  (key->port ? NF_NAT_RANGE_PROTO_SPECIFIED : 0),
		.min_addr	= key->addr,
		.max_addr	= key->addr,
		.min_proto.all	= key->port,
		.max_proto.all	= key->port,
	};

	return nf_nat_setup_info(ct, &range, NF_NAT_MANIP_DST);
}

/* Who is not to have this connection, since it had it, or NULL. */
static const struct lc_backend *left(struct net *net, const struct nf_conn *ct)
{
	struct lc_record_key key;

	lc_ct_key(ct, &key);
	return lc_record_prev_backend(&lc_net(net)->records, &key);
}

static void client_key(struct lc_client_key *key, const struct nf_conn *ct,
		       unsigned int prefix)
{
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;

	*key = (struct lc_client_key) {
		.from	= tuple->src.u3,
		.to	= tuple->dst.u3,
		.port	= lc_proto_has_ports(tuple->dst.protonum) ?
			  tuple->dst.u.all : 0,
		.proto	= tuple->dst.protonum,
		.family	= tuple->src.l3num,
	};
	lc_client_mask(key, prefix);
}

/* The one that the client had, if it can take the connection. */
static const struct lc_backend_key *
reuse_backend(struct lc_net *ln, struct lc_pool *pool,
	      const struct lc_client_key *client, const struct lc_backend *avoid)
{
	struct lc_backend_key key;
	struct lc_backend *backend;

	if (!lc_client_find(&ln->clients, client, &key))
		return NULL;
	backend = lc_backend_find(&ln->backends, &key);
	if (!backend || backend == avoid || !lc_pool_take(pool, backend))
		return NULL;
	return &backend->key;
}

static noinline const struct lc_backend_key *
choose_persistent(struct lc_net *ln, struct lc_pool *pool,
		  const struct nf_conn *ct, const struct lc_backend *avoid,
		  unsigned int seconds)
{
	const struct lc_backend_key *key;
	struct lc_client_key client;

	client_key(&client, ct, READ_ONCE(pool->settings.persistent_mask));
	key = reuse_backend(ln, pool, &client, avoid);
	if (!key)
		key = lc_pool_choose_other(pool, avoid);
	if (key && lc_client_set(&ln->clients, &client, key, seconds))
		lc_health_check(&ln->healer);
	return key;
}

/* With settings that look at more than loads. */
static noinline const struct lc_backend_key *
choose_with(struct net *net, struct lc_pool *pool, const struct nf_conn *ct)
{
	unsigned int seconds = READ_ONCE(pool->settings.persistent);
	const struct lc_backend *avoid = NULL;

	if (READ_ONCE(pool->settings.redispatch))
		avoid = left(net, ct);
	if (seconds)
		return choose_persistent(lc_net(net), pool, ct, avoid, seconds);
	return lc_pool_choose_other(pool, avoid);
}

static __always_inline void expect_record(const struct lc_pool *pool,
					  const struct nf_conn *ct)
{
	const struct lc_net *ln = container_of(pool->pools, struct lc_net,
					       pools);
	struct lc_record_key key;

	lc_ct_key(ct, &key);
	lc_record_prefetch(&ln->records, &key);
}

/* Apart: where the family is known, IPv4 leaves out the words that it has not. */
static noinline void expect_record6(const struct lc_pool *pool,
				    const struct nf_conn *ct)
{
	expect_record(pool, ct);
}

/* Its bucket comes to the cache while conntrack looks for a free tuple. */
static void expect(const struct lc_pool *pool, const struct nf_conn *ct)
{
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		expect_record(pool, ct);
	else
		expect_record6(pool, ct);
}

static unsigned int leastconn_target(struct sk_buff *skb,
				     const struct xt_action_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	const struct lc_backend_key *key;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (!is_balanced(ct, ctinfo))
		return XT_CONTINUE;
	key = unlikely(READ_ONCE(info->pool->has_policy)) ?
	      choose_with(xt_net(par), info->pool, ct) :
	      lc_pool_choose(info->pool);
	if (!key)
		return XT_CONTINUE;
	/* nft_compat takes the sender's word for the rule's protocol. */
	if (key->proto && key->proto != nf_ct_protonum(ct))
		return XT_CONTINUE;
	expect(info->pool, ct);
	return translate(ct, key);
}

#define LEASTCONN_TARGET(pf) {						\
	.name		= "LEASTCONN",					\
	.revision	= 0,						\
	.family		= (pf),						\
	.table		= "nat",					\
	.hooks		= (1 << NF_INET_PRE_ROUTING) |			\
			  (1 << NF_INET_LOCAL_OUT),			\
	.targetsize	= sizeof(struct xt_leastconn_tginfo),		\
	.usersize	= offsetof(struct xt_leastconn_tginfo, pool),	\
	.checkentry	= leastconn_check,				\
	.destroy	= leastconn_destroy,				\
	.target		= leastconn_target,				\
	.me		= THIS_MODULE,					\
}

static struct xt_target targets[] __read_mostly = {
	LEASTCONN_TARGET(NFPROTO_IPV4),
#if IS_ENABLED(CONFIG_IPV6)
	LEASTCONN_TARGET(NFPROTO_IPV6),
#endif
};

/**
 * lc_target_init() - from here on rules can come
 *
 * Return: 0 or a negative errno.
 */
int __init lc_target_init(void)
{
	BUILD_BUG_ON(sizeof(struct xt_leastconn_backend) != 28);
	BUILD_BUG_ON(offsetof(struct xt_leastconn_tginfo, pool) != 1856);
	BUILD_BUG_ON(XT_LEASTCONN_NAME_SIZE != LEASTCONN_NAME_SIZE);

	return xt_register_targets(targets, ARRAY_SIZE(targets));
}

/**
 * lc_target_exit() - no rule is left, none can come
 */
void lc_target_exit(void)
{
	xt_unregister_targets(targets, ARRAY_SIZE(targets));
}
