// SPDX-License-Identifier: GPL-2.0-only
/*
 * flows DEVICE COUNT: begins that many UDP flows to the balanced service, each
 * with one packet, as if the clients were behind DEVICE. See ../worlds.sh.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORTS	50000

struct frame {
	struct ether_header	ethernet;
	struct iphdr		ip;
	struct udphdr		udp;
	uint8_t			data[18];
} __attribute__((packed));

static uint16_t checksum(const void *header, size_t len)
{
	const uint8_t *bytes = header;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void fill(struct frame *frame, uint32_t flow)
{
	memset(frame, 0, sizeof(*frame));
	memcpy(frame->ethernet.ether_dhost, "\2\0\0\0\0\1", ETH_ALEN);
	memcpy(frame->ethernet.ether_shost, "\2\0\0\0\0\377", ETH_ALEN);
	frame->ethernet.ether_type = htons(ETHERTYPE_IP);
	frame->ip.version = 4;
	frame->ip.ihl = 5;
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.tot_len = htons(sizeof(*frame) - sizeof(frame->ethernet));
	frame->ip.saddr = htonl((10U << 24) + 1024 + flow / PORTS);
	frame->ip.daddr = inet_addr("203.0.113.10");
	frame->ip.check = checksum(&frame->ip, sizeof(frame->ip));
	frame->udp.source = htons(1024 + flow % PORTS);
	frame->udp.dest = htons(80);
	frame->udp.len = htons(sizeof(frame->udp) + sizeof(frame->data));
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct frame frame;
	uint32_t flow, count;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: flows DEVICE COUNT\n");
		return 2;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	count = strtoul(argv[2], NULL, 10);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror(argv[1]);
		return 1;
	}
	for (flow = 0; flow < count; flow++) {
		fill(&frame, flow);
		if (send(fd, &frame, sizeof(frame), 0) != sizeof(frame)) {
			perror("send");
			return 1;
		}
	}
	return 0;
}
