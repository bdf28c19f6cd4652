// SPDX-License-Identifier: GPL-2.0-only
/* A backend: its text form and its order. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <linux/leastconn.h>
#include <linux/netfilter.h>

#include "backend.h"

struct name {
	uint32_t	number;
	const char	*name;
};

static const struct name protos[] = {
	{ 0,			"any" },
	{ IPPROTO_TCP,		"tcp" },
	{ IPPROTO_UDP,		"udp" },
	{ IPPROTO_SCTP,		"sctp" },
	{ IPPROTO_DCCP,		"dccp" },
	{ IPPROTO_UDPLITE,	"udplite" },
	{ 0,			NULL },
};

static const struct name states[] = {
	{ LEASTCONN_STATE_READY,	"ready" },
	{ LEASTCONN_STATE_DRAIN,	"drain" },
	{ LEASTCONN_STATE_DOWN,		"down" },
	{ 0,				NULL },
};

static const struct name healths[] = {
	{ LEASTCONN_HEALTH_IN,		"in" },
	{ LEASTCONN_HEALTH_EJECTED,	"ejected" },
	{ LEASTCONN_HEALTH_TRIAL,	"trial" },
	{ 0,				NULL },
};

static const struct name reasons[] = {
	{ LEASTCONN_REASON_NONE,	"none" },
	{ LEASTCONN_REASON_UNANSWERED,	"unanswered" },
	{ LEASTCONN_REASON_REFUSED,	"refused" },
	{ LEASTCONN_REASON_UNREACHABLE,	"unreachable" },
	{ LEASTCONN_REASON_DROPPED,	"dropped" },
	{ LEASTCONN_REASON_MANUAL,	"manual" },
	{ 0,				NULL },
};

/* A newer kernel may have values without a name here. */
static const char *name_of(const struct name *names, uint32_t number)
{
	static char text[sizeof("4294967295")];

	for (; names->name; names++) {
		if (names->number == number)
			return names->name;
	}
	snprintf(text, sizeof(text), "%u", number);
	return text;
}

static bool number_of(const struct name *names, const char *name,
		      uint32_t *number)
{
	for (; names->name; names++) {
		if (strcmp(names->name, name) == 0) {
			*number = names->number;
			return true;
		}
	}
	return false;
}

const char *proto_name(uint32_t proto)
{
	return name_of(protos, proto);
}

bool proto_number(const char *name, uint32_t *proto)
{
	return number_of(protos, name, proto);
}

const char *state_name(uint32_t state)
{
	return name_of(states, state);
}

bool state_number(const char *name, uint32_t *state)
{
	return number_of(states, name, state);
}

const char *health_name(uint32_t health)
{
	return name_of(healths, health);
}

const char *reason_name(uint32_t reason)
{
	return name_of(reasons, reason);
}

static bool is_ejected(const struct backend *backend)
{
	return backend->state == LEASTCONN_STATE_READY &&
	       backend->health != LEASTCONN_HEALTH_IN;
}

const char *backend_state(const struct backend *backend)
{
	return is_ejected(backend) ? health_name(backend->health) :
				     state_name(backend->state);
}

/* An older kernel reports no reason. */
const char *backend_reason(const struct backend *backend)
{
	if (!is_ejected(backend) || backend->reason == LEASTCONN_REASON_NONE)
		return NULL;
	return reason_name(backend->reason);
}

const char *family_name(uint32_t family)
{
	return family == NFPROTO_IPV6 ? "ipv6" : "ipv4";
}

size_t address_size(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return sizeof(struct in_addr);
	case NFPROTO_IPV6:
		return sizeof(struct in6_addr);
	default:
		return 0;
	}
}

const char *address_format(const struct backend *backend, char *buf)
{
	int af = backend->family == NFPROTO_IPV6 ? AF_INET6 : AF_INET;

	return inet_ntop(af, backend->addr, buf, INET6_ADDRSTRLEN);
}

const char *backend_format(const struct backend *backend, char *buf)
{
	char addr[INET6_ADDRSTRLEN];

	address_format(backend, addr);
	if (!backend->port)
		strcpy(buf, addr);
	else
		snprintf(buf, BACKEND_STRLEN,
			 backend->family == NFPROTO_IPV6 ? "[%s]:%u" : "%s:%u",
			 addr, backend->port);
	return buf;
}

static int order(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int backend_compare(const void *a, const void *b)
{
	const struct backend *x = a, *y = b;
	int result = order(x->family, y->family);

	if (!result)
		result = memcmp(x->addr, y->addr, sizeof(x->addr));
	if (!result)
		result = order(x->port, y->port);
	if (!result)
		result = order(x->proto, y->proto);
	return result;
}

bool backend_is_full(const struct backend *backend)
{
	return backend->max_conns && backend->counted >= backend->max_conns;
}
