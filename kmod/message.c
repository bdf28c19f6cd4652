// SPDX-License-Identifier: GPL-2.0-only
/* Messages: writes pools, backends and clients as netlink attributes, for dumps and events. */
#include <net/netlink.h>

#include "clients.h"
#include "message.h"
#include "snapshot.h"

static int message_put_address(struct sk_buff *skb, int attr, u8 family,
			       const union nf_inet_addr *addr)
{
	return nla_put(skb, attr, family == NFPROTO_IPV6 ? 16 : 4, addr);
}

static int message_put_key(struct sk_buff *skb, const struct lc_backend_key *key)
{
	return nla_put_u32(skb, LEASTCONN_A_FAMILY, key->family) ||
	       message_put_address(skb, LEASTCONN_A_ADDRESS, key->family,
				   &key->addr) ||
	       nla_put_u32(skb, LEASTCONN_A_PORT, ntohs(key->port)) ||
	       nla_put_u32(skb, LEASTCONN_A_PROTO, key->proto);
}

static int message_put_terms(struct sk_buff *skb, const struct lc_terms *terms)
{
	return nla_put_u32(skb, LEASTCONN_A_WEIGHT, terms->weight) ||
	       nla_put_u32(skb, LEASTCONN_A_MAX_CONNS, terms->max_conns) ||
	       nla_put_u32(skb, LEASTCONN_A_BACKUP, terms->backup);
}

static int message_put_settings(struct sk_buff *skb,
				const struct lc_settings *settings)
{
	return nla_put_u32(skb, LEASTCONN_A_MAX_FAILS, settings->max_fails) ||
	       nla_put_u32(skb, LEASTCONN_A_FAIL_TIMEOUT,
			   settings->fail_timeout) ||
	       nla_put_u32(skb, LEASTCONN_A_SLOW_START, settings->slow_start) ||
	       nla_put_u32(skb, LEASTCONN_A_PERSISTENT, settings->persistent) ||
	       nla_put_u32(skb, LEASTCONN_A_PERSISTENT_MASK,
			   settings->persistent_mask) ||
	       nla_put_u32(skb, LEASTCONN_A_REDISPATCH, settings->redispatch);
}

static int message_put_backend(struct sk_buff *skb, const struct lc_row *row)
{
	return message_put_key(skb, &row->key) ||
	       nla_put_u32(skb, LEASTCONN_A_STATE, row->state) ||
	       nla_put_u32(skb, LEASTCONN_A_ACTIVE, row->active) ||
	       nla_put_u32(skb, LEASTCONN_A_INACTIVE, row->inactive) ||
	       nla_put_u32(skb, LEASTCONN_A_FAILS, row->fails) ||
	       nla_put_u64_64bit(skb, LEASTCONN_A_TOTAL, row->total,
				 LEASTCONN_A_PAD);
}

static int message_put_pool(struct sk_buff *skb, const struct lc_row *row)
{
	return nla_put_u32(skb, LEASTCONN_A_RULES, row->rules) ||
	       nla_put_u32(skb, LEASTCONN_A_MEMBERS, row->members) ||
	       message_put_settings(skb, &row->settings);
}

/**
 * lc_message_put() - add the attributes of a row to a message
 * @skb: the message
 * @row: the row
 *
 * Context: any.
 * Return: 0, or -EMSGSIZE if there is not enough room. Then the message may have some
 *	of them.
 */
int lc_message_put(struct sk_buff *skb, const struct lc_row *row)
{
	if (row->name[0]) {
		if (nla_put_string(skb, LEASTCONN_A_POOL, row->name))
			return -EMSGSIZE;
	} else if (row->is_member || !row->is_backend) {
		if (nla_put_u32(skb, LEASTCONN_A_RULE, row->rule))
			return -EMSGSIZE;
	}
	if (row->is_backend ? message_put_backend(skb, row) :
			      message_put_pool(skb, row))
		return -EMSGSIZE;
	if (row->is_member &&
	    (message_put_terms(skb, &row->terms) ||
	     nla_put_u32(skb, LEASTCONN_A_COUNTED, row->counted) ||
	     nla_put_u32(skb, LEASTCONN_A_HEALTH, row->health) ||
	     nla_put_u32(skb, LEASTCONN_A_REASON, row->reason)))
		return -EMSGSIZE;
	return 0;
}

/**
 * lc_message_put_client() - add the attributes of a client to a message
 * @skb: the message
 * @row: the client
 *
 * Context: any.
 * Return: 0, or -EMSGSIZE if there is not enough room. Then the message may have some
 *	of them.
 */
int lc_message_put_client(struct sk_buff *skb, const struct lc_client_row *row)
{
	const struct lc_client_key *key = &row->key;

	if (message_put_key(skb, &row->backend) ||
	    message_put_address(skb, LEASTCONN_A_CLIENT, key->family, &key->from) ||
	    nla_put_u32(skb, LEASTCONN_A_CLIENT_PREFIX, row->prefix) ||
	    message_put_address(skb, LEASTCONN_A_SERVICE, key->family, &key->to) ||
	    nla_put_u32(skb, LEASTCONN_A_SERVICE_PORT, ntohs(key->port)) ||
	    nla_put_u32(skb, LEASTCONN_A_SERVICE_PROTO, key->proto) ||
	    nla_put_u32(skb, LEASTCONN_A_EXPIRES, row->seconds))
		return -EMSGSIZE;
	return 0;
}
