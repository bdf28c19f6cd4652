// SPDX-License-Identifier: GPL-2.0-only
/* One request, one answer; none of it is in a measured time but the flush. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "say.h"

struct entries {
	struct mnl_socket	*socket;
	unsigned int		seq;
};

struct entries *entries_open(void)
{
	struct entries *entries = calloc(1, sizeof(*entries));

	check(entries, "memory");
	entries->socket = mnl_socket_open(NETLINK_NETFILTER);
	check(entries->socket, "netlink");
	check(!mnl_socket_bind(entries->socket, 0, MNL_SOCKET_AUTOPID),
	      "netlink");
	return entries;
}

static struct nlmsghdr *request(struct entries *entries, char *buffer,
				unsigned int type, unsigned int flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *family;

	header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++entries->seq;
	family = mnl_nlmsg_put_extra_header(header, sizeof(*family));
	family->nfgen_family = AF_INET;
	family->version = NFNETLINK_V0;
	return header;
}

static void put_original(struct nlmsghdr *header, uint8_t proto,
			 const struct end *from, const struct end *to)
{
	struct nlattr *tuple, *part;

	tuple = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);
	part = mnl_attr_nest_start(header, CTA_TUPLE_IP);
	mnl_attr_put_u32(header, CTA_IP_V4_SRC, htonl(from->addr));
	mnl_attr_put_u32(header, CTA_IP_V4_DST, htonl(to->addr));
	mnl_attr_nest_end(header, part);
	part = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(header, CTA_PROTO_NUM, proto);
	mnl_attr_put_u16(header, CTA_PROTO_SRC_PORT, htons(from->port));
	mnl_attr_put_u16(header, CTA_PROTO_DST_PORT, htons(to->port));
	mnl_attr_nest_end(header, part);
	mnl_attr_nest_end(header, tuple);
}

static int reply_source(const struct nlattr *attr, void *data)
{
	const unsigned int type = mnl_attr_get_type(attr);
	struct end *server = data;

	switch (type) {
	case CTA_TUPLE_IP:
	case CTA_TUPLE_PROTO: {
		const struct nlattr *inner;

		mnl_attr_for_each_nested(inner, attr) {
			if (type == CTA_TUPLE_IP &&
			    mnl_attr_get_type(inner) == CTA_IP_V4_SRC)
				server->addr = ntohl(mnl_attr_get_u32(inner));
			if (type == CTA_TUPLE_PROTO &&
			    mnl_attr_get_type(inner) == CTA_PROTO_SRC_PORT)
				server->port = ntohs(mnl_attr_get_u16(inner));
		}
	}
	}
	return MNL_CB_OK;
}

static int answer_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTA_TUPLE_REPLY)
		mnl_attr_parse_nested(attr, reply_source, data);
	return MNL_CB_OK;
}

static int answer(const struct nlmsghdr *header, void *data)
{
	mnl_attr_parse(header, sizeof(struct nfgenmsg), answer_attr, data);
	return MNL_CB_STOP;
}

/* False: no such entry. */
static bool ask(struct entries *entries, const struct nlmsghdr *header,
		struct end *server)
{
	char buffer[MNL_SOCKET_BUFFER_SIZE];
	int n;

	check(mnl_socket_sendto(entries->socket, header,
				header->nlmsg_len) > 0, "netlink");
	n = mnl_socket_recvfrom(entries->socket, buffer, sizeof(buffer));
	check(n > 0, "netlink");
	n = mnl_cb_run(buffer, n, entries->seq,
		       mnl_socket_get_portid(entries->socket), answer, server);
	check(n >= 0 || errno == ENOENT, "conntrack's answer");
	return n >= 0;
}

bool entries_server(struct entries *entries, uint8_t proto,
		    const struct end *client, const struct end *service,
		    struct end *server)
{
	char buffer[512];
	struct nlmsghdr *header = request(entries, buffer, IPCTNL_MSG_CT_GET,
					  0);

	put_original(header, proto, client, service);
	return ask(entries, header, server);
}

bool entries_delete(struct entries *entries, uint8_t proto,
		    const struct end *client, const struct end *service)
{
	char buffer[512];
	struct nlmsghdr *header = request(entries, buffer,
					  IPCTNL_MSG_CT_DELETE, NLM_F_ACK);

	put_original(header, proto, client, service);
	return ask(entries, header, NULL);
}

void entries_flush(struct entries *entries)
{
	char buffer[512];

	ask(entries, request(entries, buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK),
	    NULL);
}
