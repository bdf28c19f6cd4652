// SPDX-License-Identifier: GPL-2.0-only
/*
 * A batch is built before the clock starts, in memory that has been touched:
 * what is measured is the kernel's work with it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "frame.h"
#include "machine.h"
#include "say.h"

#define WINDOW 65535

static uint32_t sum(const void *data, unsigned int len, uint32_t sum)
{
	const uint8_t *byte = data;
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? byte[i] : byte[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

static unsigned int put_udp(uint8_t *at, const struct segment *segment)
{
	unsigned int len = sizeof(struct udphdr) + segment->data;
	struct udphdr udp = {
		.source	= htons(segment->from.port),
		.dest	= htons(segment->to.port),
		.len	= htons(len),
	};

	memcpy(at, &udp, sizeof(udp));
	return len;
}

static unsigned int put_tcp(uint8_t *at, const struct segment *segment)
{
	struct tcphdr tcp = {
		.source	= htons(segment->from.port),
		.dest	= htons(segment->to.port),
		.seq	= htonl(segment->seq),
		.ack_seq = htonl(segment->ack),
		.doff	= sizeof(tcp) / 4,
		.window	= htons(WINDOW),
	};

	tcp.th_flags = segment->flags;
	memcpy(at, &tcp, sizeof(tcp));
	return sizeof(tcp) + segment->data;
}

static uint16_t transport_sum(const uint8_t *at, unsigned int len,
			      const struct segment *segment)
{
	const uint32_t ends[2] = {
		htonl(segment->from.addr), htonl(segment->to.addr),
	};

	return folded(sum(at, len, sum(ends, sizeof(ends),
				       segment->proto + len)));
}

static unsigned int put_transport(uint8_t *at, const struct segment *segment)
{
	unsigned int len, where;
	uint16_t check;

	if (segment->proto == IPPROTO_UDP) {
		len = put_udp(at, segment);
		where = offsetof(struct udphdr, check);
	} else {
		len = put_tcp(at, segment);
		where = offsetof(struct tcphdr, check);
	}
	check = transport_sum(at, len, segment);
	memcpy(at + where, &check, sizeof(check));
	return len;
}

static void put_ip(uint8_t *at, unsigned int len, const struct segment *segment)
{
	struct iphdr ip = {
		.version	= 4,
		.ihl		= 5,
		.tot_len	= htons(sizeof(ip) + len),
		.frag_off	= htons(IP_DF),
		.ttl		= 64,
		.protocol	= segment->proto,
		.saddr		= htonl(segment->from.addr),
		.daddr		= htonl(segment->to.addr),
	};

	ip.check = folded(sum(&ip, sizeof(ip), 0));
	memcpy(at, &ip, sizeof(ip));
}

static void put_ether(uint8_t *at, const uint8_t to[6])
{
	struct ether_header ether = {
		.ether_shost	= { 2, 0, 0, 0, 0, 0xee },
		.ether_type	= htons(ETHERTYPE_IP),
	};

	memcpy(ether.ether_dhost, to, 6);
	memcpy(at, &ether, sizeof(ether));
}

static void *touched(size_t size)
{
	void *memory = malloc(size);

	check(memory, "%zu bytes", size);
	memset(memory, 0, size);
	return memory;
}

void batch_init(struct batch *batch, unsigned int size)
{
	unsigned int i;

	batch->count = 0;
	batch->size = size;
	batch->frames = touched(size * sizeof(*batch->frames));
	batch->iov = touched(size * sizeof(*batch->iov));
	batch->messages = touched(size * sizeof(*batch->messages));
	for (i = 0; i < size; i++) {
		batch->iov[i].iov_base = &batch->frames[i];
		batch->messages[i].msg_hdr.msg_iov = &batch->iov[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

void batch_empty(struct batch *batch)
{
	batch->count = 0;
}

void batch_add(struct batch *batch, const uint8_t to[6],
	       const struct segment *segment)
{
	uint8_t *at = batch->frames[batch->count].bytes;
	const unsigned int head = sizeof(struct ether_header) +
				  sizeof(struct iphdr);
	unsigned int len;

	if (batch->count == batch->size)
		errx(1, "more than %u frames in a batch", batch->size);
	memset(at, 0, sizeof(batch->frames[0].bytes));
	put_ether(at, to);
	len = put_transport(at + head, segment);
	put_ip(at + sizeof(struct ether_header), len, segment);
	batch->iov[batch->count++].iov_len = head + len;
}

uint64_t batch_send(const struct batch *batch, int fd)
{
	unsigned int done = 0;
	uint64_t begun = machine_now();

	while (done < batch->count) {
		int n = sendmmsg(fd, batch->messages + done,
				 batch->count - done, 0);

		check(n > 0, "sendmmsg");
		done += n;
	}
	return machine_now() - begun;
}
