// SPDX-License-Identifier: GPL-2.0-only
/* A request to the kernel while it is built. */
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <linux/genetlink.h>
#include <linux/leastconn.h>

#include "request.h"
#include "message.h"

/* More than the largest change, which has two dozen small attributes. */
#define CHANGE_ROOM	512

static void make_room(struct request *request, size_t more)
{
	size_t wanted = request_length(request) + more;

	if (wanted <= request->room)
		return;
	wanted *= 2;
	request->buf = realloc(request->buf, wanted);
	if (!request->buf)
		die("out of memory");
	request->room = wanted;
}

void request_init(struct request *request, enum leastconn_cmd cmd)
{
	struct genlmsghdr *genl;

	request->room = CHANGE_ROOM;
	request->buf = malloc(request->room);
	if (!request->buf)
		die("out of memory");
	mnl_nlmsg_put_header(request->buf);
	genl = mnl_nlmsg_put_extra_header(request_header(request), sizeof(*genl));
	genl->cmd = cmd;
	genl->version = LEASTCONN_GENL_VERSION;
}

void request_free(struct request *request)
{
	free(request->buf);
	request->buf = NULL;
}

struct nlmsghdr *request_header(const struct request *request)
{
	return (struct nlmsghdr *)request->buf;
}

size_t request_length(const struct request *request)
{
	return request_header(request)->nlmsg_len;
}

static void put_match(struct nlmsghdr *nlh, const struct change *change)
{
	const struct backend *backend = &change->backend;

	if (change->given & GIVEN_POOL)
		mnl_attr_put_strz(nlh, LEASTCONN_A_POOL, change->pool);
	if (change->given & GIVEN_ADDRESS) {
		mnl_attr_put_u32(nlh, LEASTCONN_A_FAMILY, backend->family);
		mnl_attr_put(nlh, LEASTCONN_A_ADDRESS,
			     address_size(backend->family), backend->addr);
	}
	if (change->given & GIVEN_CLIENT) {
		mnl_attr_put_u32(nlh, LEASTCONN_A_FAMILY, backend->family);
		mnl_attr_put(nlh, LEASTCONN_A_CLIENT,
			     address_size(backend->family), backend->addr);
		mnl_attr_put_u32(nlh, LEASTCONN_A_CLIENT_PREFIX, change->prefix);
	}
	if (change->given & GIVEN_PORT)
		mnl_attr_put_u32(nlh, LEASTCONN_A_PORT, backend->port);
	if (change->given & GIVEN_PROTO)
		mnl_attr_put_u32(nlh, LEASTCONN_A_PROTO, backend->proto);
}

static void put_terms(struct nlmsghdr *nlh, const struct change *change)
{
	const struct backend *backend = &change->backend;

	if (change->given & GIVEN_WEIGHT)
		mnl_attr_put_u32(nlh, LEASTCONN_A_WEIGHT, backend->weight);
	if (change->given & GIVEN_MAX_CONNS)
		mnl_attr_put_u32(nlh, LEASTCONN_A_MAX_CONNS, backend->max_conns);
	if (change->given & GIVEN_BACKUP)
		mnl_attr_put_u32(nlh, LEASTCONN_A_BACKUP, backend->backup);
	if (change->given & GIVEN_STATE)
		mnl_attr_put_u32(nlh, LEASTCONN_A_STATE, backend->state);
	if (change->given & GIVEN_KILL)
		mnl_attr_put(nlh, LEASTCONN_A_KILL, 0, NULL);
	if (change->given & GIVEN_EJECTION_TIME)
		mnl_attr_put_u32(nlh, LEASTCONN_A_EJECTION_TIME,
				 change->ejection_time);
	if (change->given & GIVEN_AHEAD)
		mnl_attr_put(nlh, LEASTCONN_A_AHEAD, 0, NULL);
}

static void put_settings(struct nlmsghdr *nlh, const struct change *change)
{
	enum setting_id id;

	for (id = 0; id < N_SETTINGS; id++) {
		if (change->given & GIVEN_SETTING(id))
			mnl_attr_put_u32(nlh, setting_types[id].attr,
					 change->settings.value[id]);
	}
}

void request_add_change(struct request *request, const struct change *change)
{
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	make_room(request, CHANGE_ROOM);
	nlh = request_header(request);
	nest = mnl_attr_nest_start(nlh, LEASTCONN_A_CHANGE);
	mnl_attr_put_u32(nlh, LEASTCONN_A_OP, change->op);
	put_match(nlh, change);
	put_terms(nlh, change);
	put_settings(nlh, change);
	mnl_attr_nest_end(nlh, nest);
}

void request_add_filter(struct request *request, const struct change *change)
{
	make_room(request, CHANGE_ROOM);
	put_match(request_header(request), change);
}
