// SPDX-License-Identifier: GPL-2.0-only
/* Attributes that are missing, foreign, or of another length. */
#include <errno.h>
#include <string.h>

#include "../array.h"
#include "../genl/spec.h"
#include "ask.h"
#include "scene.h"
#include "tests.h"

void test_missing_attributes(void)
{
	some_state();
	refused("- pool=web", EINVAL, "the operation is missing");
	refused("-", EINVAL, "the operation is missing");
	refused("pool_add", EINVAL, "the pool name is missing");
	refused("pool_del", EINVAL, "the pool name is missing");
	refused("pool_set", EINVAL, "the pool name is missing");
	refused("pool_set max-fails=1", EINVAL, "the pool name is missing");
	refused("add addr=10.0.0.3", EINVAL, "the pool name is missing");
	refused("set addr=10.0.0.1 port=80", EINVAL, "the pool name is missing");
	refused("del addr=10.0.0.1 port=80", EINVAL, "the pool name is missing");
	refused("add pool=web", EINVAL,
		"the family or the address of the backend is missing");
	refused("add pool=web family=2", EINVAL,
		"the family or the address of the backend is missing");
	refused("add pool=web raw=10.0.0.3", EINVAL,
		"the family or the address of the backend is missing");
	refused("set pool=web port=80 weight=1", EINVAL,
		"the family or the address of the backend is missing");
	refused("del pool=web kill", EINVAL,
		"the family or the address of the backend is missing");
	refused("state state=1", EINVAL,
		"the family or the address of the backend is missing");
	refused("state addr=10.0.0.1", EINVAL, "the state is missing");
	refused("eject ejection-time=1", EINVAL,
		"the family or the address of the backend is missing");
	refused("kill", EINVAL, "the family or the address of the backend is missing");
	/* The first of them is good, and is not done. */
	refused("pool_add pool=new\nadd pool=new", EINVAL,
		"the family or the address of the backend is missing");
}

#define SETTINGS "max-fails fail-timeout slow-start redispatch persistent persistent-mask"

/* What a change may have; others only where nobody asks. */
static const struct {
	enum leastconn_op	op;
	const char		*valid;
	const char		*allowed;
} shapes[] = {
	{ LEASTCONN_OP_POOL_ADD, "pool_add pool=new", "op pool " SETTINGS },
	{ LEASTCONN_OP_POOL_SET, "pool_set pool=web", "op pool " SETTINGS },
	{ LEASTCONN_OP_POOL_DEL, "pool_del pool=none", "op pool" },
	{ LEASTCONN_OP_ADD, "add pool=web addr=10.0.0.3",
	  "op pool family address port proto weight max-conns backup state" },
	{ LEASTCONN_OP_SET, "set pool=web addr=10.0.0.1 port=80",
	  "op pool family address port proto weight max-conns backup state" },
	{ LEASTCONN_OP_DEL, "del pool=web addr=10.0.0.1 port=80",
	  "op pool family address port proto kill" },
	{ LEASTCONN_OP_STATE, "state addr=10.0.0.1 state=1",
	  "op family address port proto state ahead" },
	{ LEASTCONN_OP_KILL, "kill addr=10.0.0.1",
	  "op family address port proto" },
	{ LEASTCONN_OP_EJECT, "eject addr=10.0.0.1",
	  "op family address port proto ejection-time" },
};

/* Highest type that is tried: no attribute has it. */
#define BEYOND	(LEASTCONN_A_MAX + 2)

static bool is_in_change(unsigned int type)
{
	return type <= LEASTCONN_A_MAX && spec_attributes[type].in_change;
}

static bool is_word_of(const char *word, const char *words)
{
	size_t length = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word))) {
		if ((at == words || at[-1] == ' ') &&
		    (!at[length] || at[length] == ' '))
			return true;
		at += length;
	}
	return false;
}

/* Adds an attribute with good contents at the end of the only change. */
static uint32_t put_foreign(struct message *message, unsigned int type)
{
	struct nlattr *nest = (void *)message->nlh + message->changes[0];
	uint32_t at = message->nlh->nlmsg_len;

	switch (type) {
	case LEASTCONN_A_POOL:
		mnl_attr_put_strz(message->nlh, type, "web");
		break;
	case LEASTCONN_A_ADDRESS:
		mnl_attr_put(message->nlh, type, 4, "\12\0\0\1");
		break;
	case LEASTCONN_A_KILL:
	case LEASTCONN_A_AHEAD:
		mnl_attr_put(message->nlh, type, 0, NULL);
		break;
	default:
		mnl_attr_put_u32(message->nlh, type, 1);
	}
	nest->nla_len = (char *)message->nlh + message->nlh->nlmsg_len -
			(char *)nest;
	return at;
}

void test_foreign_attributes(void)
{
	some_state();
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		for (unsigned int type = 0; type <= BEYOND; type++) {
			struct message *message = message_of(shapes[i].valid);
			uint32_t at;

			if (is_in_change(type) &&
			    is_word_of(spec_attributes[type].name, shapes[i].allowed)) {
				message_free(message);
				continue;
			}
			about = shapes[i].valid;
			beside = type;
			at = put_foreign(message, type);
			refused_at(HERE, message, EINVAL, at, is_in_change(type) ?
				   "attribute not allowed for this operation" : NULL);
		}
	}
}

/* Numbers have 4 bytes, addresses 4 to 16, flags none, names their end. */
static bool good_length(unsigned int type, size_t length)
{
	switch (spec_attributes[type].type) {
	case MNL_TYPE_FLAG:
		return !length;
	case MNL_TYPE_BINARY:
		return length >= 4 && length <= 16;
	case MNL_TYPE_NUL_STRING:
		return false;	/* of ones, without a zero */
	default:
		return length == 4;
	}
}

static void length_refused(struct place place, unsigned int type,
			   size_t length, const char *contents)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);
	struct nlattr *nest = mnl_attr_nest_start(message->nlh,
						  LEASTCONN_A_CHANGE);
	uint32_t at = message->nlh->nlmsg_len;

	mnl_attr_put(message->nlh, type, length, contents);
	mnl_attr_nest_end(message->nlh, nest);
	refused_at(place, message, POLICY, at, NULL);
}

void test_bad_lengths(void)
{
	static const char ones[40] = "1111111111111111111111111111111111111111";
	static const char late[] = NAME31 "56789";

	some_state();
	for (unsigned int type = 0; type <= LEASTCONN_A_MAX; type++) {
		for (size_t length = 0; length <= sizeof(ones); length++)
			if (is_in_change(type) && !good_length(type, length))
				length_refused(HERE, type, length, ones);
	}
	/* An end, but too late. */
	length_refused(HERE, LEASTCONN_A_POOL, strlen(late), late);
}
