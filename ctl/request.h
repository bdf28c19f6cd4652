/* SPDX-License-Identifier: GPL-2.0-only */
/* A message to the family, while it is made. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "change.h"

struct nlmsghdr;

/**
 * struct request - a message that grows
 * @buf: where it is; it moves as it grows
 * @room: bytes there
 */
struct request {
	char	*buf;
	size_t	room;
};

void request_init(struct request *request, enum leastconn_cmd cmd);
void request_free(struct request *request);

struct nlmsghdr *request_header(const struct request *request);

/* Bytes of the message so far: where what comes next will begin. */
size_t request_length(const struct request *request);

/* One more change, in a nest of its own. */
void request_add_change(struct request *request, const struct change *change);

/* What of the change a dump is to be narrowed by: pool, address, port, proto. */
void request_add_filter(struct request *request, const struct change *change);

#endif /* CTL_REQUEST_H */
