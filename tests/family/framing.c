// SPDX-License-Identifier: GPL-2.0-only
/* Messages that are none, and commands that nobody knows. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "ask.h"
#include "scene.h"
#include "tests.h"

static void spoil(struct message *message, uint32_t at, size_t size,
		  uint32_t value)
{
	memcpy((char *)message->nlh + at, &value, size);
}

void test_bad_framing(void)
{
	struct message *message;
	uint32_t at;

	some_state();
	/* No change at all, an empty one. */
	refused_at(HERE, message_of(""), EINVAL, 0, NULL);
	/* Not marked as a nest. */
	message = message_of("pool_add pool=new");
	spoil(message, message->changes[0] + 2, 2, LEASTCONN_A_CHANGE);
	refused_at(HERE, message, EINVAL, message->changes[0], NULL);
	/* Longer than the message, shorter than its head. */
	message = message_of("pool_add pool=new\npool_add pool=new2");
	spoil(message, message->changes[1], 2, 60);
	refused_at(HERE, message, EINVAL, 0, NULL);
	message = message_of("pool_add pool=new\npool_add pool=new2");
	spoil(message, message->changes[1], 2, 3);
	refused_at(HERE, message, EINVAL, 0, NULL);
	/* The same of an attribute in it. */
	message = message_of("pool_add pool=new\npool_add pool=new2");
	at = attribute_of_change(message, 1, LEASTCONN_A_POOL);
	spoil(message, at, 2, 100);
	refused_at(HERE, message, EINVAL, 0, NULL);
	/* Bytes behind the last. */
	message = message_of("pool_add pool=new");
	message->nlh->nlmsg_len += 2;
	refused_at(HERE, message, EINVAL, 0, NULL);
	/* What is not a change, beside one that is. */
	for (unsigned int type = 0; type < LEASTCONN_A_MAX + 3; type++) {
		if (type == LEASTCONN_A_CHANGE)
			continue;
		message = message_of("pool_add pool=new");
		at = message->nlh->nlmsg_len;
		mnl_attr_put_u32(message->nlh, type, 1);
		refused_at(HERE, message, EINVAL, at, NULL);
	}
}

static void command_refused(struct place place, uint8_t cmd, uint16_t flags)
{
	struct message *message = message_new(cmd);
	struct answer answer;

	if (cmd == LEASTCONN_CMD_CHANGE)
		change(message, "pool_add pool=new");
	message->nlh->nlmsg_flags = flags;
	ask(talk, message, NULL, NULL, &answer);
	if (answer.error != EOPNOTSUPP)
		fail("command %u with flags %#x: %s", cmd, flags,
		     answer.error ? strerrorname_np(answer.error) : "done");
	message_free(message);
}

void test_commands(void)
{
	struct message *message;

	for (int cmd = 0; cmd < 256; cmd++) {
		switch (cmd) {
		case LEASTCONN_CMD_CHANGE:
		case LEASTCONN_CMD_FLUSH_CLIENTS:
			command_refused(HERE, cmd, NLM_F_DUMP);
			break;
		case LEASTCONN_CMD_GET_POOLS:
		case LEASTCONN_CMD_GET_BACKENDS:
		case LEASTCONN_CMD_GET_CLIENTS:
			command_refused(HERE, cmd, 0);
			break;
		default:
			command_refused(HERE, cmd, 0);
			command_refused(HERE, cmd, NLM_F_DUMP);
		}
	}
	/* Not even a command. */
	message = message_new(LEASTCONN_CMD_CHANGE);
	message->nlh->nlmsg_len = MNL_NLMSG_HDRLEN;
	refused_at(HERE, message, EINVAL, 0, NULL);
	pools_are("");
}
