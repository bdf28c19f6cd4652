// SPDX-License-Identifier: GPL-2.0-only
/*
 * deaf: asks for dumps and never reads them.
 *
 *	deaf COUNT	asks for all pools and for all backends, in turn, on COUNT
 *			sockets; prints how many dumps the kernel began, and
 *			holds the sockets until it is killed
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../genl/talk.h"

/* Refused, for want of memory say: that is the kernel's right. */
static bool begin_dump(uint8_t cmd)
{
	struct message *message = message_new(cmd);
	struct talk *talk = talk_open();
	bool begun;

	talk_mark(talk, message->nlh);
	message->nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	begun = talk_send(talk, message->nlh);
	message_free(message);
	return begun;
}

int main(int argc, char **argv)
{
	static const uint8_t cmds[] = {
		LEASTCONN_CMD_GET_POOLS, LEASTCONN_CMD_GET_BACKENDS,
	};
	unsigned int begun = 0, count, i;

	if (argc != 2) {
		fprintf(stderr, "usage: deaf COUNT\n");
		return 2;
	}
	count = strtoul(argv[1], NULL, 10);
	for (i = 0; i < count; i++)
		begun += begin_dump(cmds[i % 2]);
	printf("%u dumps of %u begun\n", begun, count);
	fflush(stdout);
	for (;;)
		pause();
}
