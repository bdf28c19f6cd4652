/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compatibility: all other files are written for the interfaces of the newest kernel.
 *
 * Stable and distribution kernels have backports, so a version number does not tell
 * which interfaces a kernel has. Kbuild looks for them in its headers and defines
 * LC_HAVE_*.
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
/* Before 5.13. */
static inline u32 nf_conntrack_count(const struct net *net)
{
	return atomic_read(&net->ct.count);
}
#endif

/*
 * A packet that is sent through a VRF passes POST_ROUTING twice: to the VRF device, and
 * then to one of its member devices. Since 5.16 conntrack confirms it only the second
 * time.
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

#ifndef LC_HAVE_RESET_SK
/* Before 5.11, without its backports. */
#define nf_send_reset(net, sk, skb, hook) nf_send_reset(net, skb, hook)
#define nf_send_reset6(net, sk, skb, hook) nf_send_reset6(net, skb, hook)
#endif

#ifndef LC_HAVE_GENL_INFO_DUMP
/* Before 6.6. Callers only use the attributes of what it returns. */
#define genl_info_dump(cb) genl_dumpit_info(cb)
#endif

#ifdef GENL_MCAST_CAP_NET_ADMIN
#define LC_MCAST_CAP_NET_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN,
#else
/* Before 6.6, without its backports: all processes of the namespace can listen. */
#define LC_MCAST_CAP_NET_ADMIN
#endif

#ifdef LC_HAVE_ERR_MSG_ATTR_FMT
#define lc_genl_doit(doit, skb, info) doit(skb, info)
#else
/*
 * Before 6.3 an extended acknowledgment has no buffer for a formatted message. A buffer
 * on this function's stack would be gone when generic netlink sends the
 * acknowledgment. So lc_genl_doit() sends it itself.
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
	return -EINTR;	/* netlink sends no other acknowledgment */
}
#endif

#endif /* LC_COMPAT_H */
