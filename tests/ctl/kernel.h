/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel for tests of the control tool: libmnl's functions for sockets, without
 * a socket. The test decides what is received. The messages answer the last
 * request; functions that write a whole one return its aligned size.
 */
#ifndef CTL_KERNEL_H
#define CTL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/leastconn.h>

#define KERNEL_FAMILY	31

/* The number of the last request: answers repeat it. */
extern uint32_t kernel_seq;

/* The test has this: a request, which stays where it is until it is answered. */
void kernel_receive(const struct nlmsghdr *nlh, size_t length);

/* And this: the next datagram. Return: its size, or -1 with errno. */
ssize_t kernel_send(char *buf, size_t room);

/* Without a payload. */
struct nlmsghdr *kernel_message(void *buf, uint16_t type, uint16_t flags);

/* A row of a dump, or an event: without attributes. */
struct nlmsghdr *kernel_row(void *buf, uint8_t cmd);

size_t kernel_put_family(void *buf);
size_t kernel_put_ack(void *buf);
size_t kernel_put_done(void *buf, uint16_t flags, int error);

/*
 * @sentence: NULL for none; @offset: beside a sentence, 0 for none; @whole: with a
 * copy of the request.
 */
size_t kernel_put_error(void *buf, int error, const char *sentence,
			uint32_t offset, bool whole);

/*
 * libmnl takes a length of 2 GiB and more for a negative one. No kernel says so:
 * make the lengths in a datagram of random bytes smaller.
 */
void kernel_limit_lengths(char *buf, size_t size);

#endif /* CTL_KERNEL_H */
