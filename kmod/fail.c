// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures: connections that their backend did not answer, or refused, and
 * whether another one is to have them.
 *
 * To give a connection to another backend its conntrack entry is deleted, and
 * what would tell the client is swallowed: the client's own next try is a new
 * connection to conntrack, and its rule chooses again.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "compat.h"
#include "entry.h"
#include "fail.h"
#include "net.h"

static bool failed(struct lc_net *ln, struct lc_backend *backend, u8 reason)
{
	if (!backend)
		return false;
	lc_health_failed(ln, backend, reason);
	return READ_ONCE(backend->redispatch);
}

/**
 * lc_fail() - a connection's first packet was refused, or got no answer
 * @ln: the namespace
 * @ct: its entry, which may have been told of before; not to be called under
 *	its record's lock
 * @reason: &enum leastconn_reason
 *
 * Context: any, under rcu_read_lock().
 * Return: whether another backend is to have it: the entry is to be deleted and
 * the client not to be told.
 */
bool lc_fail(struct lc_net *ln, const struct nf_conn *ct, u8 reason)
{
	struct lc_record_key key;
	struct lc_load load;
	bool retry;

	if (!lc_entry_load(&ln->backends, ct, &load))
		return false;
	retry = failed(ln, load.server, reason);
	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return false;
	retry |= failed(ln, load.host, reason);
	if (!retry || !(ct->status & IPS_DST_NAT))
		return false;
	lc_entry_key(ct, &key);
	return lc_record_retry(&ln->records, &key);
}

static u8 reason4(const struct sk_buff *skb)
{
	const struct iphdr *ip = ip_hdr(skb);
	const struct icmphdr *icmp;
	struct icmphdr buffer;

	if (ip->protocol != IPPROTO_ICMP || ip->frag_off & htons(IP_OFFSET))
		return LEASTCONN_REASON_NONE;
	icmp = skb_header_pointer(skb, ip_hdrlen(skb), sizeof(buffer), &buffer);
	if (!icmp || icmp->type != ICMP_DEST_UNREACH)
		return LEASTCONN_REASON_NONE;
	switch (icmp->code) {
	case ICMP_FRAG_NEEDED:
		/* A packet that is too large is nobody's failure. */
		return LEASTCONN_REASON_NONE;
	case ICMP_PORT_UNREACH:
		return LEASTCONN_REASON_REFUSED;
	default:
		return LEASTCONN_REASON_UNREACHABLE;
	}
}

static u8 reason6(const struct sk_buff *skb)
{
	struct icmp6hdr buffer;
	const struct icmp6hdr *icmp;
	u8 proto = ipv6_hdr(skb)->nexthdr;
	__be16 fragment;
	int at;

	at = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &proto, &fragment);
	if (at < 0 || proto != IPPROTO_ICMPV6)
		return LEASTCONN_REASON_NONE;
	icmp = skb_header_pointer(skb, at, sizeof(buffer), &buffer);
	if (!icmp || icmp->icmp6_type != ICMPV6_DEST_UNREACH)
		return LEASTCONN_REASON_NONE;
	return icmp->icmp6_code == ICMPV6_PORT_UNREACH ?
		LEASTCONN_REASON_REFUSED : LEASTCONN_REASON_UNREACHABLE;
}

/**
 * lc_fail_reason() - does this ICMP error say that nobody is there?
 * @skb: an ICMP error, or before 6.3 a TCP reset made by REJECT
 * @family: its
 *
 * Context: any.
 * Return: &enum leastconn_reason; none: it does not.
 */
u8 lc_fail_reason(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? reason6(skb) : reason4(skb);
}
