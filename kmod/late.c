// SPDX-License-Identifier: GPL-2.0-only
/*
 * Late packets: those of a backend that a redispatched connection was taken from, and
 * ICMP errors about the connection.
 *
 * They belong to no entry of conntrack, so nothing translates them: a client would get
 * packets from an address that it has not asked.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ipv6.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>

#include "compat.h"
#include "ct.h"
#include "late.h"
#include "retry.h"

/**
 * struct lc_header - what an IP header says
 * @from: source address
 * @to: destination address
 * @proto: of the next header; extension headers are passed over
 * @next: offset of the next header; below 0: there is none
 */
struct lc_header {
	union nf_inet_addr	from;
	union nf_inet_addr	to;
	u8			proto;
	int			next;
};

static bool read_ipv4(const struct sk_buff *skb, int offset,
		      struct lc_header *header)
{
	struct iphdr buffer;
	const struct iphdr *ip = skb_header_pointer(skb, offset, sizeof(buffer),
						    &buffer);

	if (!ip)
		return false;
	*header = (struct lc_header) {
		.from.ip = ip->saddr,
		.to.ip	= ip->daddr,
		.proto	= ip->protocol,
		.next	= offset + 4 * ip->ihl,
	};
	return true;
}

static bool read_ipv6(const struct sk_buff *skb, int offset,
		      struct lc_header *header)
{
	struct ipv6hdr buffer;
	const struct ipv6hdr *ip = skb_header_pointer(skb, offset, sizeof(buffer),
						      &buffer);
	__be16 fragment;

	if (!ip)
		return false;
	*header = (struct lc_header) {
		.from.in6 = ip->saddr,
		.to.in6	= ip->daddr,
		.proto	= ip->nexthdr,
	};
	header->next = ipv6_skip_exthdr(skb, offset + sizeof(buffer),
					&header->proto, &fragment);
	return true;
}

static bool read_header(const struct sk_buff *skb, int offset, u8 family,
			struct lc_header *header)
{
	bool done = family == NFPROTO_IPV6 ? read_ipv6(skb, offset, header) :
					     read_ipv4(skb, offset, header);

	return done && header->next >= 0;
}

/*
 * Return: the offset of the header inside an ICMP error that a destination cannot be
 *	reached, or 0 if the packet is something else.
 */
static int offset_in_error(const struct sk_buff *skb, u8 family,
			   const struct lc_header *header)
{
	/* ICMPv6 begins like ICMP. */
	struct icmphdr buffer;
	const struct icmphdr *icmp = skb_header_pointer(skb, header->next,
							sizeof(buffer), &buffer);
	bool is_error;

	if (!icmp)
		return 0;
	if (family == NFPROTO_IPV6)
		is_error = header->proto == IPPROTO_ICMPV6 &&
			   icmp->type == ICMPV6_DEST_UNREACH;
	else
		is_error = header->proto == IPPROTO_ICMP &&
			   icmp->type == ICMP_DEST_UNREACH;
	return is_error ? header->next + (int)sizeof(buffer) : 0;
}

static bool was_left(const struct lc_retries *retries, const struct sk_buff *skb,
		     const struct lc_header *header, bool from_backend)
{
	__be16 buffer[2];
	const __be16 *ports;

	if (header->proto != IPPROTO_TCP)
		return false;
	ports = skb_header_pointer(skb, header->next, sizeof(buffer), buffer);
	if (!ports)
		return false;
	return lc_retry_left(retries, from_backend ?
			     lc_ct_addr_hash(&header->from, &header->to,
					     ports[0], ports[1]) :
			     lc_ct_addr_hash(&header->to, &header->from,
					     ports[1], ports[0]));
}

static bool is_late(const struct lc_retries *retries, const struct sk_buff *skb,
		    u8 family)
{
	struct lc_header header;
	int offset;

	if (!read_header(skb, skb_network_offset(skb), family, &header))
		return false;
	if (header.proto == IPPROTO_TCP)
		return was_left(retries, skb, &header, true);
	offset = offset_in_error(skb, family, &header);
	return offset && read_header(skb, offset, family, &header) &&
	       was_left(retries, skb, &header, false);
}

/**
 * lc_late() - drop a packet that comes late
 * @retries: the namespace's
 * @skb: a packet that belongs to no confirmed entry
 * @state: of the hook
 *
 * The backend that was left waits for the client: a reset ends that.
 *
 * Context: packets, under rcu_read_lock().
 * Return: NF_DROP if it was late, else NF_ACCEPT.
 */
unsigned int lc_late(const struct lc_retries *retries, struct sk_buff *skb,
		     const struct nf_hook_state *state)
{
	if (!is_late(retries, skb, state->pf))
		return NF_ACCEPT;
	nf_reset_ct(skb);
	/* They answer nothing but TCP. */
	if (state->pf == NFPROTO_IPV4 && IS_ENABLED(CONFIG_NF_REJECT_IPV4))
		nf_send_reset(state->net, state->sk, skb, state->hook);
	if (state->pf == NFPROTO_IPV6 && IS_ENABLED(CONFIG_NF_REJECT_IPV6))
		nf_send_reset6(state->net, state->sk, skb, state->hook);
	return NF_DROP;
}
