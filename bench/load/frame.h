/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames as they go over the wire, and a batch of them. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define TCP_FIN	0x01
#define TCP_SYN	0x02
#define TCP_PSH	0x08
#define TCP_ACK	0x10

/* Host byte order. */
struct end {
	uint32_t	addr;
	uint16_t	port;
};

struct segment {
	struct end	from, to;
	uint32_t	seq, ack;
	uint8_t		proto;		/* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t		flags;		/* TCP_* */
	uint8_t		data;		/* bytes of it */
};

struct frame {
	uint8_t		bytes[96];
};

struct batch {
	unsigned int	count, size;
	struct frame	*frames;
	struct iovec	*iov;
	struct mmsghdr	*messages;
};

void batch_init(struct batch *batch, unsigned int size);
void batch_empty(struct batch *batch);
void batch_add(struct batch *batch, const uint8_t to[6],
	       const struct segment *segment);

/* Nanoseconds that the kernel needed for all of it. */
uint64_t batch_send(const struct batch *batch, int fd);

#endif
