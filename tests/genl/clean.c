// SPDX-License-Identifier: GPL-2.0-only
/* An end to all that the family has made. */
#include "clean.h"

static void delete_pool(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	const char *name = NULL;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == LEASTCONN_A_POOL)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == LEASTCONN_A_ADDRESS)
			return;
	}
	if (name)
		change(data, "pool_del pool=%s", name);
}

static void make_ready(const struct nlmsghdr *nlh, void *data)
{
	struct message *message = data;
	const struct nlattr *attr;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(message->nlh, LEASTCONN_A_CHANGE);
	mnl_attr_put_u32(message->nlh, LEASTCONN_A_OP, LEASTCONN_OP_STATE);
	mnl_attr_put_u32(message->nlh, LEASTCONN_A_STATE,
			 LEASTCONN_STATE_READY);
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case LEASTCONN_A_FAMILY:
		case LEASTCONN_A_ADDRESS:
		case LEASTCONN_A_PORT:
		case LEASTCONN_A_PROTO:
			mnl_attr_put(message->nlh, mnl_attr_get_type(attr),
				     mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
		}
	}
	mnl_attr_nest_end(message->nlh, nest);
}

/* A change for each row of a dump. */
static void change_all(struct talk *talk, uint8_t cmd, row_reader reader)
{
	struct message *changing = message_new(LEASTCONN_CMD_CHANGE);
	struct message *message = message_new(cmd);
	struct answer answer;

	ask(talk, message, reader, changing, &answer);
	if (changing->nlh->nlmsg_len > GENL_HEAD) {
		ask(talk, changing, NULL, NULL, &answer);
		if (answer.error)
			die("cleaning up: %s", answer.text);
	}
	message_free(changing);
	message_free(message);
}

void clean(struct talk *talk)
{
	change_all(talk, LEASTCONN_CMD_GET_BACKENDS, make_ready);
	change_all(talk, LEASTCONN_CMD_GET_POOLS, delete_pool);
}
