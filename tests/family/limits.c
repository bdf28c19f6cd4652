// SPDX-License-Identifier: GPL-2.0-only
/* As many as there can be. */
#include <errno.h>

#include "ask.h"
#include "tests.h"

/* Messages of so many changes, so that each fits. */
static void add_in_pieces(const char *format, unsigned int from,
			  unsigned int to)
{
	struct message *message;

	while (from < to) {
		message = message_new(LEASTCONN_CMD_CHANGE);
		for (unsigned int i = 0; i < 8192 && from < to; i++, from++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			change(message, format, from >> 16, from >> 8 & 255,
			       from & 255);
#pragma GCC diagnostic pop
		}
		accepted_at(HERE, message);
	}
}

void test_most_pools(void)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);

	for (int i = 0; i < LEASTCONN_MAX_POOLS; i++)
		change(message, "pool_add pool=p%d", i);
	accepted_at(HERE, message);
	refused("pool_add pool=p", ENOSPC,
		"there are already 4096 pools, the maximum");
	refused("pool_del pool=p7\npool_add pool=p\npool_add pool=p7", ENOSPC,
		"there are already 4096 pools, the maximum");
	accepted("pool_del pool=p7\npool_add pool=p");
	refused("pool_add pool=p7", ENOSPC, NULL);
	message = message_new(LEASTCONN_CMD_CHANGE);
	change(message, "pool_del pool=p");
	for (int i = 0; i < LEASTCONN_MAX_POOLS; i++)
		if (i != 7)
			change(message, "pool_del pool=p%d", i);
	accepted_at(HERE, message);
	pools_are("");
}

void test_most_backends(void)
{
	struct message *message;

	accepted("pool_add pool=" NAME31);
	add_in_pieces("add pool=" NAME31 " addr=10.%u.%u.%u port=80", 1,
		      LEASTCONN_MAX_MEMBERS + 1);
	/* The whole of the sentence. A listing before and after takes long. */
	message = message_of("add pool=" NAME31 " addr=10.1.0.0 port=80");
	refusal_is(HERE, message, ENOSPC, message->changes[0],
		   "pool \"" NAME31 "\" already has 65535 backends, the maximum");
	accepted("del pool=" NAME31 " addr=10.0.0.1 port=80\n"
		 "add pool=" NAME31 " addr=10.1.0.0 port=80\n"
		 "del pool=" NAME31 " addr=10.0.0.2 port=80\n"
		 "add pool=" NAME31 " addr=10.1.0.1 port=80\n"
		 "del pool=" NAME31 " addr=10.0.0.3 port=80\n"
		 "add pool=" NAME31 " addr=10.1.0.2 port=80");
	accepted("pool_del pool=" NAME31);
	backends_are("");
}

/* Of those that are not ready; another state of one of them is none more. */
void test_most_states(void)
{
	struct message *message;

	add_in_pieces("state addr=10.%u.%u.%u port=80 proto=6 state=1 ahead",
		      1, 65536 + 1);
	message = message_of("state addr=10.2.0.0 state=1 ahead");
	refusal_is(HERE, message, ENOSPC, message->changes[0],
		   "65536 backends are not ready, the maximum");
	accepted("state addr=10.0.0.1 port=80 proto=6 state=2");
	accepted("state addr=10.0.0.1 port=80 proto=6 state=0\n"
		 "state addr=10.2.0.0 state=1 ahead");
	add_in_pieces("state addr=10.%u.%u.%u port=80 proto=6 state=0",
		      2, 65536 + 1);
	backends_are("10.2.0.0 0 0 drain\n");
}
