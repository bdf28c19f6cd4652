// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: reads the attributes of netlink messages and checks each of them.
 *
 * The attributes are documented in include/uapi/linux/leastconn.h.
 */
#include <net/netlink.h>

#include "addr.h"
#include "request.h"

/* Not const: before Linux 6.2 struct nla_policy points to a range that is not const. */
static struct netlink_range_validation u16_range = {
	.max	= 65535,
};

static struct netlink_range_validation seconds_range = {
	.max	= LEASTCONN_MAX_SECONDS,
};

static struct netlink_range_validation timeout_range = {
	.min	= 1,
	.max	= LEASTCONN_MAX_SECONDS,
};

static struct netlink_range_validation ejection_range = {
	.min	= 1,
	.max	= LEASTCONN_MAX_EJECTION_TIME,
};

static const struct nla_policy change_policy[LEASTCONN_A_MAX + 1] = {
	[LEASTCONN_A_OP]	= NLA_POLICY_RANGE(NLA_U32, 1, LEASTCONN_OP_MAX),
	[LEASTCONN_A_POOL]	= { .type = NLA_NUL_STRING,
				    .len = LEASTCONN_NAME_SIZE - 1 },
	[LEASTCONN_A_FAMILY]	= { .type = NLA_U32 },
	[LEASTCONN_A_ADDRESS]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LEASTCONN_A_PORT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[LEASTCONN_A_PROTO]	= NLA_POLICY_MAX(NLA_U32, 255),
	[LEASTCONN_A_WEIGHT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[LEASTCONN_A_MAX_CONNS]	= { .type = NLA_U32 },
	[LEASTCONN_A_BACKUP]	= NLA_POLICY_MAX(NLA_U32, 1),
	[LEASTCONN_A_STATE]	= NLA_POLICY_MAX(NLA_U32, LEASTCONN_STATE_MAX),
	[LEASTCONN_A_MAX_FAILS]	= { .type = NLA_U32 },
	[LEASTCONN_A_FAIL_TIMEOUT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &timeout_range),
	[LEASTCONN_A_SLOW_START]	= NLA_POLICY_FULL_RANGE(NLA_U32, &seconds_range),
	[LEASTCONN_A_PERSISTENT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &seconds_range),
	[LEASTCONN_A_PERSISTENT_MASK]	= NLA_POLICY_RANGE(NLA_U32, 1, 128),
	[LEASTCONN_A_REDISPATCH]	= NLA_POLICY_MAX(NLA_U32, 1),
	[LEASTCONN_A_EJECTION_TIME]	= NLA_POLICY_FULL_RANGE(NLA_U32, &ejection_range),
	[LEASTCONN_A_KILL]	= { .type = NLA_FLAG },
	[LEASTCONN_A_AHEAD]	= { .type = NLA_FLAG },
};

const struct nla_policy lc_changes_policy[LC_CHANGES_POLICY_SIZE] = {
	[LEASTCONN_A_CHANGE]	= NLA_POLICY_NESTED(change_policy),
};

const struct nla_policy lc_pools_policy[LC_POOLS_POLICY_SIZE] = {
	[LEASTCONN_A_POOL]	= { .type = NLA_NUL_STRING,
				    .len = LEASTCONN_NAME_SIZE - 1 },
};

const struct nla_policy lc_backends_policy[LC_BACKENDS_POLICY_SIZE] = {
	[LEASTCONN_A_FAMILY]	= { .type = NLA_U32 },
	[LEASTCONN_A_ADDRESS]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LEASTCONN_A_PORT]	= NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[LEASTCONN_A_PROTO]	= NLA_POLICY_MAX(NLA_U32, 255),
};

const struct nla_policy lc_clients_policy[LC_CLIENTS_POLICY_SIZE] = {
	[LEASTCONN_A_POOL]	= { .type = NLA_NUL_STRING,
				    .len = LEASTCONN_NAME_SIZE - 1 },
	[LEASTCONN_A_FAMILY]	= { .type = NLA_U32 },
	[LEASTCONN_A_CLIENT]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LEASTCONN_A_CLIENT_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
};

#define A(name)		BIT_ULL(LEASTCONN_A_##name)
#define A_BACKEND	(A(FAMILY) | A(ADDRESS))
#define A_SERVICE	(A(PORT) | A(PROTO))
#define A_SETTINGS	(A(MAX_FAILS) | A(FAIL_TIMEOUT) | A(SLOW_START) | \
			 A(REDISPATCH) | A(PERSISTENT) | A(PERSISTENT_MASK))
#define A_TERMS		(A(WEIGHT) | A(MAX_CONNS) | A(BACKUP) | A(STATE))

/* The attributes that a change needs, and those that it allows. */
static const struct {
	u64 needs, allows;
} shapes[LEASTCONN_OP_MAX + 1] = {
	[LEASTCONN_OP_POOL_ADD]	= { A(POOL), A_SETTINGS },
	[LEASTCONN_OP_POOL_SET]	= { A(POOL), A_SETTINGS },
	[LEASTCONN_OP_POOL_DEL]	= { A(POOL) },
	[LEASTCONN_OP_ADD]	= { A(POOL) | A_BACKEND, A_SERVICE | A_TERMS },
	[LEASTCONN_OP_SET]	= { A(POOL) | A_BACKEND, A_SERVICE | A_TERMS },
	[LEASTCONN_OP_DEL]	= { A(POOL) | A_BACKEND, A_SERVICE | A(KILL) },
	[LEASTCONN_OP_STATE]	= { A_BACKEND | A(STATE), A_SERVICE | A(AHEAD) },
	[LEASTCONN_OP_KILL]	= { A_BACKEND, A_SERVICE },
	[LEASTCONN_OP_EJECT]	= { A_BACKEND, A_SERVICE | A(EJECTION_TIME) },
};

#define reject(extack, attr, message) ({				\
	NL_SET_ERR_MSG_ATTR(extack, attr, message);			\
	-EINVAL;							\
})

static int check_shape(struct nlattr *tb[], const struct nlattr *change,
		       u8 op, struct netlink_ext_ack *extack)
{
	u64 missing = shapes[op].needs;
	unsigned int i;

	BUILD_BUG_ON(LEASTCONN_A_MAX >= 64);

	for (i = 0; i <= LEASTCONN_A_MAX; i++) {
		if (!tb[i] || i == LEASTCONN_A_OP)
			continue;
		if (!((shapes[op].needs | shapes[op].allows) & BIT_ULL(i)))
			return reject(extack, tb[i],
				      "attribute not allowed for this operation");
		missing &= ~BIT_ULL(i);
	}
	if (missing & A(POOL))
		return reject(extack, change, "the pool name is missing");
	if (missing & A(STATE))
		return reject(extack, change, "the state is missing");
	if (missing)
		return reject(extack, change,
			      "the family or the address of the backend is missing");
	return 0;
}

static int read_family(u8 *family, const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	u32 value;

	if (!attr)
		return 0;
	value = nla_get_u32(attr);
	if (value != NFPROTO_IPV4 && value != NFPROTO_IPV6)
		return reject(extack, attr,
			      "the family is neither IPv4 nor IPv6");
	*family = value;
	return 0;
}

static int copy_address(union nf_inet_addr *addr, u8 family,
			const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (!family)
		return reject(extack, attr, "the family of the address is missing");
	if (nla_len(attr) != (family == NFPROTO_IPV6 ? 16 : 4))
		return reject(extack, attr,
			      "address length does not match its family");
	memcpy(addr, nla_data(attr), nla_len(attr));
	return 0;
}

static int read_address(struct lc_request *request, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	struct lc_backend_key *key = &request->key;
	int err;

	if (!attr)
		return 0;
	err = copy_address(&key->addr, key->family, attr, extack);
	if (err)
		return err;
	if (!lc_addr_is_unicast(&key->addr, key->family))
		return reject(extack, attr, "not a unicast address");
	request->given |= LC_GIVEN_ADDRESS;
	return 0;
}

static int read_service(struct lc_request *request, const struct nlattr *port,
			const struct nlattr *proto,
			struct netlink_ext_ack *extack)
{
	struct lc_backend_key *key = &request->key;

	if (port) {
		key->port = htons(nla_get_u32(port));
		request->given |= LC_GIVEN_PORT;
	}
	if (!proto)
		return 0;
	key->proto = nla_get_u32(proto);
	request->given |= LC_GIVEN_PROTO;
	if (key->port && !lc_proto_has_ports(key->proto))
		return reject(extack, proto,
			      "a port needs protocol tcp, udp, sctp, dccp or udplite");
	if (request->name && !key->port && key->proto)
		return reject(extack, proto,
			      "a protocol needs a port");
	return 0;
}

/**
 * lc_request_read_key() - read the attributes that name backends
 * @request: receives the parts of a key that are given
 * @tb: parsed attributes
 * @extack: receives the reason of a refusal
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int lc_request_read_key(struct lc_request *request, struct nlattr *tb[],
			struct netlink_ext_ack *extack)
{
	if (tb[LEASTCONN_A_FAMILY])
		request->given |= LC_GIVEN_FAMILY;
	return read_family(&request->key.family, tb[LEASTCONN_A_FAMILY], extack) ?:
	       read_address(request, tb[LEASTCONN_A_ADDRESS], extack) ?:
	       read_service(request, tb[LEASTCONN_A_PORT],
			    tb[LEASTCONN_A_PROTO], extack);
}

/**
 * lc_request_read_client() - read the attributes that select clients by their address
 * @filter: zeroed memory; receives family, address and prefix
 * @tb: parsed attributes
 * @extack: receives the reason of a refusal
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int lc_request_read_client(struct lc_client_filter *filter, struct nlattr *tb[],
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *client = tb[LEASTCONN_A_CLIENT];
	const struct nlattr *prefix = tb[LEASTCONN_A_CLIENT_PREFIX];
	int err;

	err = read_family(&filter->family, tb[LEASTCONN_A_FAMILY], extack);
	if (err)
		return err;
	if (prefix && !client)
		return reject(extack, prefix, "the address of the client is missing");
	if (!client)
		return 0;
	filter->prefix = prefix ? nla_get_u32(prefix) : 128;
	return copy_address(&filter->from, filter->family, client, extack);
}

static void read_terms(struct lc_request *request, struct nlattr *tb[])
{
	struct lc_terms *terms = &request->terms;

	if (tb[LEASTCONN_A_WEIGHT]) {
		terms->weight = nla_get_u32(tb[LEASTCONN_A_WEIGHT]);
		request->given |= LC_GIVEN_WEIGHT;
	}
	if (tb[LEASTCONN_A_MAX_CONNS]) {
		terms->max_conns = nla_get_u32(tb[LEASTCONN_A_MAX_CONNS]);
		request->given |= LC_GIVEN_MAX_CONNS;
	}
	if (tb[LEASTCONN_A_BACKUP]) {
		terms->backup = nla_get_u32(tb[LEASTCONN_A_BACKUP]);
		request->given |= LC_GIVEN_BACKUP;
	}
	if (tb[LEASTCONN_A_STATE]) {
		request->state = nla_get_u32(tb[LEASTCONN_A_STATE]);
		request->given |= LC_GIVEN_STATE;
	}
	if (tb[LEASTCONN_A_KILL])
		request->given |= LC_GIVEN_KILL;
	if (tb[LEASTCONN_A_AHEAD])
		request->given |= LC_GIVEN_AHEAD;
}

static void read_settings(struct lc_request *request, struct nlattr *tb[])
{
	struct lc_settings *settings = &request->settings;

	if (tb[LEASTCONN_A_MAX_FAILS]) {
		settings->max_fails = nla_get_u32(tb[LEASTCONN_A_MAX_FAILS]);
		request->given |= LC_GIVEN_MAX_FAILS;
	}
	if (tb[LEASTCONN_A_FAIL_TIMEOUT]) {
		settings->fail_timeout = nla_get_u32(tb[LEASTCONN_A_FAIL_TIMEOUT]);
		request->given |= LC_GIVEN_FAIL_TIMEOUT;
	}
	if (tb[LEASTCONN_A_SLOW_START]) {
		settings->slow_start = nla_get_u32(tb[LEASTCONN_A_SLOW_START]);
		request->given |= LC_GIVEN_SLOW_START;
	}
	if (tb[LEASTCONN_A_PERSISTENT]) {
		settings->persistent = nla_get_u32(tb[LEASTCONN_A_PERSISTENT]);
		request->given |= LC_GIVEN_PERSISTENT;
	}
	if (tb[LEASTCONN_A_PERSISTENT_MASK]) {
		settings->persistent_mask =
			nla_get_u32(tb[LEASTCONN_A_PERSISTENT_MASK]);
		request->given |= LC_GIVEN_PERSISTENT_MASK;
	}
	if (tb[LEASTCONN_A_REDISPATCH]) {
		settings->redispatch = nla_get_u32(tb[LEASTCONN_A_REDISPATCH]);
		request->given |= LC_GIVEN_REDISPATCH;
	}
}

static int read_name(struct lc_request *request, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	request->name = nla_data(attr);
	if (!lc_pool_is_name(request->name, strlen(request->name)))
		return reject(extack, attr,
			      "not a pool name: use 1 to 31 characters out of A-Z a-z 0-9 _ . -");
	return 0;
}

/**
 * lc_request_read() - read a change
 * @request: uninitialized; receives the change
 * @change: the attribute LEASTCONN_A_CHANGE
 * @extack: receives the reason of a refusal
 *
 * Context: any.
 * Return: 0, or a negative errno.
 */
int lc_request_read(struct lc_request *request, const struct nlattr *change,
		    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[LEASTCONN_A_MAX + 1];
	int err;

	err = nla_parse_nested(tb, LEASTCONN_A_MAX, change, change_policy,
			       extack);
	if (err)
		return err;
	if (!tb[LEASTCONN_A_OP])
		return reject(extack, change, "the operation is missing");
	*request = (struct lc_request) {
		.op	= nla_get_u32(tb[LEASTCONN_A_OP]),
		.attr	= change,
	};
	err = check_shape(tb, change, request->op, extack) ?:
	      read_name(request, tb[LEASTCONN_A_POOL], extack) ?:
	      lc_request_read_key(request, tb, extack);
	if (err)
		return err;
	read_terms(request, tb);
	if (tb[LEASTCONN_A_EJECTION_TIME])
		request->ejection_time = nla_get_u32(tb[LEASTCONN_A_EJECTION_TIME]);
	read_settings(request, tb);
	return 0;
}
