// SPDX-License-Identifier: GPL-2.0-only
/* ICMP errors that report an unreachable server. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter.h>
#include <net/dst.h>
#include <net/flow.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#include <linux/leastconn.h>

#include "ct.h"
#include "icmp.h"

/* Return: the code of a "destination unreachable", or -1: it is another packet. */
static int code_ipv4(const struct sk_buff *skb)
{
	const struct iphdr *ip = ip_hdr(skb);
	const struct icmphdr *icmp;
	struct icmphdr buffer;

	if (ip->protocol != IPPROTO_ICMP || ip->frag_off & htons(IP_OFFSET))
		return -1;
	icmp = skb_header_pointer(skb, ip_hdrlen(skb), sizeof(buffer), &buffer);
	return icmp && icmp->type == ICMP_DEST_UNREACH ? icmp->code : -1;
}

static int code_ipv6(const struct sk_buff *skb)
{
	struct icmp6hdr buffer;
	const struct icmp6hdr *icmp;
	u8 proto = ipv6_hdr(skb)->nexthdr;
	__be16 fragment;
	int offset;

	offset = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &proto, &fragment);
	if (offset < 0 || proto != IPPROTO_ICMPV6)
		return -1;
	icmp = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	return icmp && icmp->icmp6_type == ICMPV6_DEST_UNREACH ?
	       icmp->icmp6_code : -1;
}

static u8 reason_ipv4(int code)
{
	switch (code) {
	case -1:
	case ICMP_FRAG_NEEDED:
		/* Path MTU discovery: the server is reachable. */
		return LEASTCONN_REASON_NONE;
	case ICMP_PORT_UNREACH:
		return LEASTCONN_REASON_REFUSED;
	default:
		return LEASTCONN_REASON_UNREACHABLE;
	}
}

static u8 reason_ipv6(int code)
{
	switch (code) {
	case -1:
		return LEASTCONN_REASON_NONE;
	case ICMPV6_PORT_UNREACH:
		return LEASTCONN_REASON_REFUSED;
	default:
		return LEASTCONN_REASON_UNREACHABLE;
	}
}

/**
 * lc_icmp_reason() - the failure that an ICMP error reports
 * @skb: an ICMP error; before 6.3 possibly a TCP reset made by REJECT
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: any.
 * Return: &enum leastconn_reason; LEASTCONN_REASON_NONE if it reports no failure
 *	of the server.
 */
u8 lc_icmp_reason(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? reason_ipv6(code_ipv6(skb)) :
					reason_ipv4(code_ipv4(skb));
}

static bool reports_no_route(const struct sk_buff *skb, u8 family)
{
	int code;

	if (family == NFPROTO_IPV6) {
		code = code_ipv6(skb);
		return code == ICMPV6_NOROUTE || code == ICMPV6_ADDR_UNREACH;
	}
	code = code_ipv4(skb);
	return code == ICMP_NET_UNREACH || code == ICMP_HOST_UNREACH;
}

/* Has this host a route to the server of a connection? */
static bool has_route(const struct nf_conn *ct)
{
	const union nf_inet_addr *server = &lc_ct_reply_tuple(ct)->src.u3;
	struct dst_entry *dst = NULL;
	struct flowi fl = { };

	if (nf_ct_l3num(ct) == NFPROTO_IPV6)
		fl.u.ip6.daddr = server->in6;
	else
		fl.u.ip4.daddr = server->ip;
	if (nf_route(nf_ct_net(ct), &dst, &fl, false, nf_ct_l3num(ct)))
		return false;
	dst_release(dst);
	return true;
}

/**
 * lc_icmp_is_no_route() - does an ICMP error of this host report that it has no route?
 * @skb: as for lc_icmp_reason()
 * @ct: the entry of the connection that it is about
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * What REJECT sends, and a route of the type "prohibit", is no such error.
 *
 * Context: any, under rcu_read_lock().
 * Return: true if it does.
 */
bool lc_icmp_is_no_route(const struct sk_buff *skb, const struct nf_conn *ct, u8 family)
{
	return reports_no_route(skb, family) && !has_route(ct);
}
