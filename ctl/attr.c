// SPDX-License-Identifier: GPL-2.0-only
/* The attributes of a message from the kernel. */
#include <libmnl/libmnl.h>
#include <string.h>
#include <linux/genetlink.h>

#include "attr.h"
#include "client.h"
#include "group.h"
#include "message.h"

/* The attributes that the kernel sends; others are ignored. */
static const enum mnl_attr_data_type types[LEASTCONN_A_MAX + 1] = {
	[LEASTCONN_A_POOL]	= MNL_TYPE_NUL_STRING,
	[LEASTCONN_A_RULE]	= MNL_TYPE_U32,
	[LEASTCONN_A_FAMILY]	= MNL_TYPE_U32,
	[LEASTCONN_A_ADDRESS]	= MNL_TYPE_BINARY,
	[LEASTCONN_A_PORT]	= MNL_TYPE_U32,
	[LEASTCONN_A_PROTO]	= MNL_TYPE_U32,
	[LEASTCONN_A_WEIGHT]	= MNL_TYPE_U32,
	[LEASTCONN_A_MAX_CONNS]	= MNL_TYPE_U32,
	[LEASTCONN_A_BACKUP]	= MNL_TYPE_U32,
	[LEASTCONN_A_STATE]	= MNL_TYPE_U32,
	[LEASTCONN_A_ACTIVE]	= MNL_TYPE_U32,
	[LEASTCONN_A_INACTIVE]	= MNL_TYPE_U32,
	[LEASTCONN_A_TOTAL]	= MNL_TYPE_U64,
	[LEASTCONN_A_RULES]	= MNL_TYPE_U32,
	[LEASTCONN_A_MEMBERS]	= MNL_TYPE_U32,
	[LEASTCONN_A_EVENT]	= MNL_TYPE_U32,
	[LEASTCONN_A_KILLED]	= MNL_TYPE_U32,
	[LEASTCONN_A_MAX_FAILS]	= MNL_TYPE_U32,
	[LEASTCONN_A_FAIL_TIMEOUT] = MNL_TYPE_U32,
	[LEASTCONN_A_SLOW_START] = MNL_TYPE_U32,
	[LEASTCONN_A_REDISPATCH] = MNL_TYPE_U32,
	[LEASTCONN_A_HEALTH]	= MNL_TYPE_U32,
	[LEASTCONN_A_FAILS]	= MNL_TYPE_U32,
	[LEASTCONN_A_PERSISTENT] = MNL_TYPE_U32,
	[LEASTCONN_A_PERSISTENT_MASK] = MNL_TYPE_U32,
	[LEASTCONN_A_REASON]	= MNL_TYPE_U32,
	[LEASTCONN_A_CLIENT]	= MNL_TYPE_BINARY,
	[LEASTCONN_A_CLIENT_PREFIX] = MNL_TYPE_U32,
	[LEASTCONN_A_SERVICE]	= MNL_TYPE_BINARY,
	[LEASTCONN_A_SERVICE_PORT] = MNL_TYPE_U32,
	[LEASTCONN_A_SERVICE_PROTO] = MNL_TYPE_U32,
	[LEASTCONN_A_EXPIRES]	= MNL_TYPE_U32,
	[LEASTCONN_A_COUNTED]	= MNL_TYPE_U32,
};

__attribute__((noreturn))
static void bad_attribute(unsigned int type)
{
	die("invalid answer from the kernel (attribute %u): the versions of the kernel module and of " PROGRAM " do not match",
	    type);
}

static void check_port(const struct attrs *attrs, enum leastconn_attr type)
{
	if (attrs_u32(attrs, type) > UINT16_MAX)
		bad_attribute(type);
}

static void check_address(const struct attrs *attrs, enum leastconn_attr type)
{
	size_t size = address_size(attrs_u32(attrs, LEASTCONN_A_FAMILY));

	if (!attrs_have(attrs, type))
		return;
	if (!size)
		bad_attribute(LEASTCONN_A_FAMILY);
	if (mnl_attr_get_payload_len(attrs->by_type[type]) != size)
		bad_attribute(type);
}

/* Check what libmnl cannot: values, and attributes that depend on others. */
static void check_values(const struct attrs *attrs)
{
	const char *pool = attrs_pool(attrs);
	uint32_t family = attrs_u32(attrs, LEASTCONN_A_FAMILY);

	if (pool && !pool_name_valid(pool))
		bad_attribute(LEASTCONN_A_POOL);
	check_address(attrs, LEASTCONN_A_ADDRESS);
	check_address(attrs, LEASTCONN_A_CLIENT);
	check_address(attrs, LEASTCONN_A_SERVICE);
	check_port(attrs, LEASTCONN_A_PORT);
	check_port(attrs, LEASTCONN_A_SERVICE_PORT);
	if (attrs_have(attrs, LEASTCONN_A_CLIENT) &&
	    attrs_u32(attrs, LEASTCONN_A_CLIENT_PREFIX) > 8 * address_size(family))
		bad_attribute(LEASTCONN_A_CLIENT_PREFIX);
}

void attrs_read(const struct nlmsghdr *nlh, struct attrs *attrs)
{
	const struct nlattr *attr;
	unsigned int type;

	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		type = mnl_attr_get_type(attr);
		if (type > LEASTCONN_A_MAX || types[type] == MNL_TYPE_UNSPEC)
			continue;
		if (mnl_attr_validate(attr, types[type]) < 0)
			bad_attribute(type);
		attrs->by_type[type] = attr;
	}
	check_values(attrs);
}

bool attrs_have(const struct attrs *attrs, enum leastconn_attr attr)
{
	return attrs->by_type[attr];
}

uint32_t attrs_u32(const struct attrs *attrs, enum leastconn_attr attr)
{
	return attrs->by_type[attr] ? mnl_attr_get_u32(attrs->by_type[attr]) : 0;
}

uint64_t attrs_u64(const struct attrs *attrs, enum leastconn_attr attr)
{
	return attrs->by_type[attr] ? mnl_attr_get_u64(attrs->by_type[attr]) : 0;
}

const char *attrs_pool(const struct attrs *attrs)
{
	const struct nlattr *pool = attrs->by_type[LEASTCONN_A_POOL];

	return pool ? mnl_attr_get_str(pool) : NULL;
}

/* Return: false if the message does not have the address. */
static bool read_address(const struct attrs *attrs, enum leastconn_attr type,
			 struct backend *backend)
{
	memset(backend, 0, sizeof(*backend));
	if (!attrs_have(attrs, type))
		return false;
	backend->family = attrs_u32(attrs, LEASTCONN_A_FAMILY);
	memcpy(backend->addr, mnl_attr_get_payload(attrs->by_type[type]),
	       address_size(backend->family));
	return true;
}

bool attrs_client(const struct attrs *attrs, struct client *client)
{
	if (!read_address(attrs, LEASTCONN_A_CLIENT, &client->from) ||
	    !read_address(attrs, LEASTCONN_A_SERVICE, &client->service) ||
	    !attrs_backend(attrs, &client->backend))
		return false;
	client->prefix = attrs_u32(attrs, LEASTCONN_A_CLIENT_PREFIX);
	client->service.port = attrs_u32(attrs, LEASTCONN_A_SERVICE_PORT);
	client->service.proto = attrs_u32(attrs, LEASTCONN_A_SERVICE_PROTO);
	client->expires = attrs_u32(attrs, LEASTCONN_A_EXPIRES);
	return true;
}

bool attrs_backend(const struct attrs *attrs, struct backend *backend)
{
	if (!read_address(attrs, LEASTCONN_A_ADDRESS, backend))
		return false;
	backend->port = attrs_u32(attrs, LEASTCONN_A_PORT);
	backend->proto = attrs_u32(attrs, LEASTCONN_A_PROTO);
	backend->in_group = attrs_have(attrs, LEASTCONN_A_WEIGHT);
	backend->weight = attrs_u32(attrs, LEASTCONN_A_WEIGHT);
	backend->max_conns = attrs_u32(attrs, LEASTCONN_A_MAX_CONNS);
	backend->backup = attrs_u32(attrs, LEASTCONN_A_BACKUP);
	backend->state = attrs_u32(attrs, LEASTCONN_A_STATE);
	backend->health = attrs_u32(attrs, LEASTCONN_A_HEALTH);
	backend->reason = attrs_u32(attrs, LEASTCONN_A_REASON);
	backend->active = attrs_u32(attrs, LEASTCONN_A_ACTIVE);
	/* An older kernel does not tell which connections count towards the limit. */
	backend->counted = attrs_u32(attrs, attrs_have(attrs, LEASTCONN_A_COUNTED) ?
					    LEASTCONN_A_COUNTED : LEASTCONN_A_ACTIVE);
	backend->inactive = attrs_u32(attrs, LEASTCONN_A_INACTIVE);
	backend->total = attrs_u64(attrs, LEASTCONN_A_TOTAL);
	backend->fails = attrs_u32(attrs, LEASTCONN_A_FAILS);
	return true;
}

void attrs_settings(const struct attrs *attrs, struct settings *settings)
{
	enum leastconn_attr attr;
	enum setting_id id;

	settings_init_pool(settings);
	for (id = 0; id < N_SETTINGS; id++) {
		attr = setting_types[id].attr;
		if (attrs_have(attrs, attr))
			settings->value[id] = attrs_u32(attrs, attr);
	}
}
