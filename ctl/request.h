/* SPDX-License-Identifier: GPL-2.0-only */
/* A request to the kernel while it is built. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "change.h"

struct nlmsghdr;

/**
 * struct request - a netlink message
 * @buf: the message; adding to it may move it
 * @room: bytes allocated
 */
struct request {
	char	*buf;
	size_t	room;
};

void request_init(struct request *request, enum leastconn_cmd cmd);
void request_free(struct request *request);

struct nlmsghdr *request_header(const struct request *request);

/* The current length, which is the offset of what is added next. */
size_t request_length(const struct request *request);

/* Add a change, which is a nested attribute. */
void request_add_change(struct request *request, const struct change *change);

/* Limit a request to the pool, client, address, port and protocol of @change. */
void request_add_filter(struct request *request, const struct change *change);

#endif /* CTL_REQUEST_H */
