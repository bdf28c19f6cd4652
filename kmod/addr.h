/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses, address families and protocols of backends. */
#ifndef LC_ADDR_H
#define LC_ADDR_H

#include <linux/in.h>
#include <linux/netfilter.h>
#include <net/ipv6.h>

/**
 * lc_proto_has_ports() - does a protocol have ports that a backend can name?
 * @proto: layer-4 protocol
 *
 * Context: any.
 * Return: true if it does.
 */
static inline bool lc_proto_has_ports(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		return true;
	default:
		return false;
	}
}

/**
 * lc_addr_is_unicast() - is an address fit for a backend?
 * @addr: the address
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: any.
 * Return: true if it is a unicast address and the bytes that @family does not use
 *	are zero.
 */
static inline bool lc_addr_is_unicast(const union nf_inet_addr *addr, u8 family)
{
	if (family == NFPROTO_IPV6)
		return !ipv6_addr_any(&addr->in6) &&
		       !ipv6_addr_is_multicast(&addr->in6);
	return addr->ip != htonl(INADDR_ANY) &&
	       !ipv4_is_multicast(addr->ip) &&
	       !ipv4_is_lbcast(addr->ip) &&
	       !addr->all[1] && !addr->all[2] && !addr->all[3];
}

/**
 * lc_family_index() - the index of a family in arrays of two
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: any.
 * Return: 0 for IPv4, 1 for IPv6.
 */
static inline unsigned int lc_family_index(u8 family)
{
	return family == NFPROTO_IPV6;
}

#endif /* LC_ADDR_H */
