/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows kernel versions: the code is written to the newest
 * kernel's interfaces. Stable and distribution kernels carry changes back, so
 * LC_HAVE_* are probes of the headers built against; see Kbuild.
 */
#ifndef LC_COMPAT_H
#define LC_COMPAT_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>

#ifndef LC_HAVE_CT_COUNT
/* before 5.13 */
static inline u32 nf_conntrack_count(const struct net *net)
{
	return atomic_read(&net->ct.count);
}
#endif

/*
 * What is sent to a VRF passes POST_ROUTING twice: on its way to the VRF's
 * device, and to one of its members. Since 5.16 conntrack confirms only then.
 */
static inline bool lc_confirms_later(const struct nf_hook_state *state)
{
#ifdef LC_HAVE_VRF_UNCONFIRMED
	return state->hook == NF_INET_POST_ROUTING &&
	       netif_is_l3_master(state->out);
#else
	return false;
#endif
}

#ifndef LC_HAVE_GENL_INFO_DUMP
/* before 6.6; of what it returns the attributes alone are used */
#define genl_info_dump(cb) genl_dumpit_info(cb)
#endif

#ifdef GENL_MCAST_CAP_NET_ADMIN
#define LC_MCAST_CAP_NET_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN,
#else
/* before 6.6 and what it was carried back to: open to the whole namespace */
#define LC_MCAST_CAP_NET_ADMIN
#endif

#ifdef LC_HAVE_ERR_MSG_ATTR_FMT
#define lc_genl_doit(doit, skb, info) doit(skb, info)
#else
/*
 * Before 6.3 an acknowledgment has no room for a sentence with numbers in it,
 * and is sent when the function that has is over. So it is sent from here.
 */
struct lc_extack {
	struct netlink_ext_ack	ack;
	char			text[80];
};

#define NL_SET_ERR_MSG_ATTR_FMT(extack, attr, fmt, ...) do {		\
	struct lc_extack *__own = container_of(extack, struct lc_extack, ack); \
									\
	snprintf(__own->text, sizeof(__own->text), fmt, ##__VA_ARGS__);	\
	__own->ack._msg = __own->text;					\
	__own->ack.bad_attr = (attr);					\
} while (0)

static inline int lc_genl_doit(int (*doit)(struct sk_buff *skb,
					   struct genl_info *info),
			       struct sk_buff *skb, struct genl_info *info)
{
	struct netlink_ext_ack *extack = info->extack;
	struct lc_extack own = {};
	int err;

	info->extack = &own.ack;
	err = doit(skb, info);
	info->extack = extack;
	if (!err)
		return 0;
	netlink_ack(skb, info->nlhdr, err, &own.ack);
	return -EINTR;	/* acknowledged */
}
#endif

#endif /* LC_COMPAT_H */
