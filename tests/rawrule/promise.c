// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the header promises of the rule's structure, written a second time.
 */
#include <netinet/in.h>
#include <string.h>

#include "promise.h"

static bool good_address(const union nf_inet_addr *addr, bool ipv6)
{
	const unsigned char *byte = (const unsigned char *)addr;
	static const unsigned char zero[16];

	if (ipv6)
		return memcmp(addr, zero, 16) && byte[0] != 0xff;
	return memcmp(addr, zero, 4) && !memcmp(byte + 4, zero, 12) &&
	       (byte[0] & 0xf0) != 0xe0 && addr->ip != 0xffffffff;
}

/* An end, and nothing but zeros behind it. */
static bool good_name(const char name[XT_LEASTCONN_NAME_SIZE])
{
	size_t len = strnlen(name, XT_LEASTCONN_NAME_SIZE);

	for (size_t i = 0; i < XT_LEASTCONN_NAME_SIZE; i++) {
		if (i < len) {
			if (!(name[i] >= 'a' && name[i] <= 'z') &&
			    !(name[i] >= 'A' && name[i] <= 'Z') &&
			    !(name[i] >= '0' && name[i] <= '9') &&
			    name[i] != '_' && name[i] != '.' && name[i] != '-')
				return false;
		} else if (name[i]) {
			return false;
		}
	}
	return len < XT_LEASTCONN_NAME_SIZE;
}

bool proto_has_ports(unsigned int proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return true;
	}
	return false;
}

static bool good_settings(const struct xt_leastconn_tginfo *info, bool ipv6)
{
	const uint32_t week = 7 * 24 * 60 * 60;

	if (info->name[0])
		return !info->flags && !info->max_fails && !info->fail_timeout &&
		       !info->slow_start && !info->persistent &&
		       !info->persistent_mask;
	return info->flags <= 1 && info->fail_timeout >= 1 &&
	       info->fail_timeout <= week && info->slow_start <= week &&
	       info->persistent <= week && info->persistent_mask >= 1 &&
	       info->persistent_mask <= (ipv6 ? 128 : 32);
}

/*
 * @ports: the rule is for a protocol that has them. Whether there is the pool
 * that it names is another question.
 */
bool promise_is_kept(const struct xt_leastconn_tginfo *info, bool ipv6,
		     bool ports)
{
	const unsigned char *byte, *pool = (const void *)&info->pool;
	const struct xt_leastconn_backend *backend, *end, *other;

	if (info->count > 64 || !good_name(info->name) ||
	    !good_settings(info, ipv6))
		return false;
	if (!info->count == !info->name[0])
		return false;
	end = info->backends + info->count;
	for (backend = info->backends; backend < end; backend++) {
		if (!good_address(&backend->addr, ipv6) || backend->flags > 1)
			return false;
		if (backend->port && !ports)
			return false;
		for (other = info->backends; other < backend; other++)
			if (!memcmp(&other->addr, &backend->addr, 16) &&
			    other->port == backend->port)
				return false;
	}
	for (byte = (const void *)end; byte < pool; byte++)
		if (*byte)
			return false;
	return true;
}
