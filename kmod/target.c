// SPDX-License-Identifier: GPL-2.0-only
/*
 * The xtables target: checks rules, and chooses a backend for each new connection.
 *
 * The plugin is not trusted: any program can send a rule with any bytes, by the socket
 * option of iptables-legacy or the netlink messages of iptables-nft. So each field is
 * checked.
 */
#define pr_fmt(fmt) "LEASTCONN: " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/sched.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>

#include <linux/netfilter/xt_LEASTCONN.h>

#include "addr.h"
#include "ct.h"
#include "filter.h"
#include "net.h"
#include "target.h"

/* iptables only reports EINVAL. The reason is in the kernel log. */
#define refuse(fmt, ...) ({						\
	pr_info_ratelimited("rule refused: " fmt "\n", ##__VA_ARGS__);	\
	-EINVAL;							\
})

/* Return: the protocol that a rule matches; 0: several. */
static u8 rule_proto(const struct xt_tgchk_param *par)
{
	const struct ip6t_ip6 *ip6 = par->entryinfo;
	const struct ipt_ip *ip = par->entryinfo;

	if (par->family == NFPROTO_IPV6)
		return ip6->invflags & XT_INV_PROTO ? 0 : ip6->proto;
	return ip->invflags & XT_INV_PROTO ? 0 : ip->proto;
}

static int rule_check_backend(const struct xt_tgchk_param *par, unsigned int at)
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

static int rule_check_backends(const struct xt_tgchk_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	unsigned int i;
	int err;

	if (!info->count || info->count > XT_LEASTCONN_MAX_BACKENDS)
		return refuse("%u backends, allowed are 1 to %u", info->count,
			      XT_LEASTCONN_MAX_BACKENDS);
	for (i = 0; i < info->count; i++) {
		err = rule_check_backend(par, i);
		if (err)
			return err;
	}
	return 0;
}

static int rule_check_name(const struct xt_leastconn_tginfo *info)
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

/* A rule with --pool has the settings of its pool. */
static int rule_check_no_settings(const struct xt_leastconn_tginfo *info)
{
	if (info->flags || info->max_fails || info->fail_timeout ||
	    info->slow_start || info->persistent || info->persistent_mask)
		return refuse("settings: not allowed together with a pool name");
	return 0;
}

static int rule_check_settings(const struct xt_leastconn_tginfo *info, u8 family)
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

static int rule_check(const struct xt_tgchk_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	int err;

	err = rule_check_name(info);
	if (!err)
		err = info->name[0] ? rule_check_no_settings(info) :
				      rule_check_settings(info, par->family);
	if (!err && !info->name[0])
		err = rule_check_backends(par);
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

static int rule_add_backend(struct lc_pool *pool, const struct xt_tgchk_param *par,
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

/* Add the pool of a rule with --to. */
static struct lc_pool *rule_own_pool(const struct xt_tgchk_param *par,
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
		/* A rule has no value for the default of a pool. */
		.max_fails	= min(info->max_fails,
				      LEASTCONN_MAX_FAILS_DEFAULT - 1),
		.fail_timeout	= info->fail_timeout,
		.slow_start	= info->slow_start,
		.persistent	= info->persistent,
		.persistent_mask = info->persistent_mask,
		.redispatch	= info->flags & XT_LEASTCONN_REDISPATCH,
	};
	lc_pool_update(pool);
	for (i = 0; i < info->count; i++) {
		err = rule_add_backend(pool, par, &info->backends[i]);
		if (err) {
			lc_pool_free(pool);
			return ERR_PTR(err);
		}
	}
	return pool;
}

/* Find the pool of a rule with --pool, and use it. */
static struct lc_pool *rule_named_pool(const struct xt_tgchk_param *par,
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
	pool = info->name[0] ? rule_named_pool(par, pools) :
			       rule_own_pool(par, pools);
	mutex_unlock(&pools->backends->lock);
	return pool;
}

static int leastconn_check(const struct xt_tgchk_param *par)
{
	struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_net *ln = lc_net(par->net);
	int err;

	err = rule_check(par);
	if (err)
		return err;
	/* Not EAGAIN: nftables would begin the same batch again, for ever. */
	if (!lc_share_may_add_rule(ln->share)) {
		pr_info_ratelimited("rule refused: kernel workers have taken too long to delete this user's rules: try again\n");
		return -EBUSY;
	}
	err = lc_track_get(&ln->tracker, par->family);
	if (err) {
		pr_info_ratelimited("rule refused: connections cannot be tracked (error %d)\n",
				    err);
		return err;
	}
	err = info->persistent ? lc_clients_open(&ln->clients) : 0;
	if (!err && info->flags & XT_LEASTCONN_REDISPATCH)
		err = lc_track_redispatch(&ln->tracker);
	if (err)
		goto put_track;
	info->pool = rule_pool(par);
	if (IS_ERR(info->pool)) {
		err = PTR_ERR(info->pool);
		goto put_track;
	}
	lc_share_use(ln->share);
	lc_scan_adopt(&ln->scan);
	lc_healer_check(&ln->healer);
	return 0;

put_track:
	lc_track_put(&ln->tracker, par->family);
	return err;
}

/* May be called after net_exit() in net.c: rules may outlive their namespace. */
static void leastconn_destroy(const struct xt_tgdtor_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	struct lc_net *ln = lc_net(par->net);
	u64 begun;

	mutex_lock(&ln->backends.lock);
	begun = ktime_get_ns();
	if (info->name[0])
		lc_pool_unuse(info->pool, par->family, info->proto);
	else
		lc_pool_free(info->pool);
	mutex_unlock(&ln->backends.lock);
	lc_track_put(&ln->tracker, par->family);
	/* nftables, or the end of the namespace; not a process, whose time is its own. */
	if (current->flags & PF_KTHREAD)
		lc_share_charge_worker(ln->share, ktime_get_ns() - begun);
	lc_share_put(ln->share);
}

/* The target only applies to a new connection without a destination translation. */
static bool target_applies(struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return ct && ctinfo == IP_CT_NEW && !nf_ct_is_confirmed(ct) &&
	       !nf_nat_initialized(ct, NF_NAT_MANIP_DST);
}

/* Translate the destination to a backend. */
static unsigned int target_translate(struct nf_conn *ct,
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

/* As lc_net(), but cheaper. */
static struct lc_net *net_of_pool(const struct lc_pool *pool)
{
	return container_of(pool->pools, struct lc_net, pools);
}

static void target_tried(struct lc_net *ln, const struct lc_pool *pool,
			 const struct lc_choice *choice, struct lc_tried *tried)
{
	*tried = (struct lc_tried) {
		.retries = &ln->retries,
		.hash	= choice->hash,
	};
	lc_pendings_find(&ln->healer.pendings, choice->client, &tried->drops);
	if (READ_ONCE(pool->has_trials) &&
	    lc_answered_others(&ln->healer, choice->client))
		tried->client = choice->client;
}

static void target_client_key(struct lc_client_key *key, const struct nf_conn *ct,
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

/* Return: false if the client has no backend. */
static bool target_find_client(struct lc_net *ln, const struct lc_client_key *client,
			       struct lc_choice *choice)
{
	struct lc_backend_key key;

	if (!lc_client_find(&ln->clients, client, &key))
		return false;
	choice->backend = lc_backend_find(&ln->backends, &key);
	return choice->backend;
}

/*
 * A client leaves its backend if that cannot take the connection. If packets to it were
 * dropped, only this connection does: packets in a client's name may come from elsewhere.
 */
static noinline bool target_choose_persistent(struct lc_net *ln, struct lc_pool *pool,
					      const struct nf_conn *ct,
					      const struct lc_tried *tried,
					      struct lc_choice *choice)
{
	unsigned int seconds = READ_ONCE(pool->settings.persistent);
	unsigned int prefix = READ_ONCE(pool->settings.persistent_mask);
	struct lc_client_key client;
	bool known, dropped, stays;

	target_client_key(&client, ct, prefix);
	known = target_find_client(ln, &client, choice);
	dropped = known && lc_drops_last(&tried->drops, choice->backend->number,
					 (u32)jiffies);
	if (known)
		choice->origin &= ~LC_FREE;
	stays = known && !lc_pool_avoids(tried, choice->backend) &&
		lc_pool_take(pool, choice);
	if (!stays && !lc_pool_choose_untried(pool, choice, tried))
		return false;
	if (!dropped && lc_client_set(&ln->clients, &client, prefix,
				      &choice->backend->key, seconds))
		lc_healer_check(&ln->healer);
	return true;
}

/* Is the load not the only criterion? */
static bool target_has_policy(const struct lc_pool *pool)
{
	return READ_ONCE(pool->has_policy) ||
	       lc_pendings_exist(&net_of_pool(pool)->healer.pendings);
}

/*
 * For pools that persist or redispatch, or have a trial, and while packets are dropped. If
 * all backends have been tried, the connection stays where it goes now.
 */
static noinline bool target_choose_by_policy(struct lc_pool *pool,
					     const struct nf_conn *ct,
					     struct lc_choice *choice)
{
	struct lc_net *ln = net_of_pool(pool);
	struct lc_tried tried;

	target_tried(ln, pool, choice, &tried);
	return READ_ONCE(pool->settings.persistent) ?
	       target_choose_persistent(ln, pool, ct, &tried, choice) :
	       lc_pool_choose_untried(pool, choice, &tried);
}

/*
 * What a choice is made for. The bucket of the record is loaded while the choice is made.
 * Inline: where the compiler knows the family, the key of IPv4 is short.
 */
static __always_inline void target_describe(const struct lc_pool *pool,
					    const struct nf_conn *ct,
					    struct lc_choice *choice)
{
	struct lc_record_key key;

	lc_ct_key(ct, &key);
	choice->hash = lc_record_prefetch(&net_of_pool(pool)->records, &key);
	choice->client = lc_ct_client(&key.src, key.family);
	choice->origin = READ_ONCE(pool->origin);
}

/* A function of its own: IPv4 does not pay for the long key. */
static noinline void target_describe6(const struct lc_pool *pool,
				      const struct nf_conn *ct,
				      struct lc_choice *choice)
{
	target_describe(pool, ct, choice);
}

/* Return: false if no backend can take the connection. */
static bool target_choose(struct lc_pool *pool, const struct nf_conn *ct,
			  struct lc_choice *choice)
{
	if (unlikely(lc_hint_is_pending()))
		lc_filter_unconfirmed();
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		target_describe(pool, ct, choice);
	else
		target_describe6(pool, ct, choice);
	return unlikely(target_has_policy(pool)) ?
	       target_choose_by_policy(pool, ct, choice) :
	       lc_pool_choose(pool, choice);
}

static unsigned int leastconn_target(struct sk_buff *skb,
				     const struct xt_action_param *par)
{
	const struct xt_leastconn_tginfo *info = par->targinfo;
	const struct lc_backend_key *key;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct lc_choice choice;

	if (!target_applies(ct, ctinfo) ||
	    !target_choose(info->pool, ct, &choice))
		return XT_CONTINUE;
	key = &choice.backend->key;
	/* nft_compat does not check the protocol that the sender gives for the rule. */
	if (unlikely(key->proto && key->proto != nf_ct_protonum(ct))) {
		lc_hint_cancel();
		return XT_CONTINUE;
	}
	return target_translate(ct, key);
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
 * lc_target_init() - the module loads: register the target
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
 * lc_target_exit() - the module unloads: unregister the target; no rule is left
 */
void lc_target_exit(void)
{
	xt_unregister_targets(targets, ARRAY_SIZE(targets));
}
