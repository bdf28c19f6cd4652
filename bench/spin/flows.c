// SPDX-License-Identifier: GPL-2.0-only
/*
 * flows DEVICE COUNT: begins that many UDP flows to the balanced service, each
 * with one packet, as if the clients were behind DEVICE. See ../worlds.sh.
 */
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "../load/flow.h"
#include "../load/frame.h"
#include "../load/say.h"

#define BATCH	512U

static const uint8_t balancer[6] = { 2, 0, 0, 0, 0, 1 };

static void begin(struct batch *batch, int fd, uint32_t first, uint32_t count)
{
	struct segment segment = {
		.to	= service,
		.proto	= IPPROTO_UDP,
		.data	= FLOW_DATA,
	};
	uint32_t i;

	batch_empty(batch);
	for (i = 0; i < count; i++) {
		segment.from = flow_client(first + i);
		batch_add(batch, balancer, &segment);
	}
	batch_send(batch, fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	uint32_t flow, count;
	struct batch batch;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: flows DEVICE COUNT\n");
		return 2;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	count = strtoul(argv[2], NULL, 10);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	check(fd >= 0 && !bind(fd, (struct sockaddr *)&to, sizeof(to)), "%s",
	      argv[1]);
	batch_init(&batch, BATCH);
	for (flow = 0; flow < count; flow += BATCH)
		begin(&batch, fd, flow,
		      count - flow < BATCH ? count - flow : BATCH);
	return 0;
}
