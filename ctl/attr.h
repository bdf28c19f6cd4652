/* SPDX-License-Identifier: GPL-2.0-only */
/* The attributes of a message from the kernel. */
#ifndef CTL_ATTR_H
#define CTL_ATTR_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/leastconn.h>

#include "backend.h"
#include "settings.h"

struct client;
struct nlattr;
struct nlmsghdr;

/**
 * struct attrs - the attributes of a message
 * @by_type: by &enum leastconn_attr; NULL if the message does not have it
 */
struct attrs {
	const struct nlattr	*by_type[LEASTCONN_A_MAX + 1];
};

/* Ends the program if an attribute has a wrong type, length or value. */
void attrs_read(const struct nlmsghdr *nlh, struct attrs *attrs);

bool attrs_have(const struct attrs *attrs, enum leastconn_attr attr);

/* Return: 0 if the message does not have the attribute. */
uint32_t attrs_u32(const struct attrs *attrs, enum leastconn_attr attr);
uint64_t attrs_u64(const struct attrs *attrs, enum leastconn_attr attr);

/* Return: NULL if the message names no pool. */
const char *attrs_pool(const struct attrs *attrs);

/* Return: false if the message names no backend. */
bool attrs_backend(const struct attrs *attrs, struct backend *backend);

/* Return: false if the message names no client. */
bool attrs_client(const struct attrs *attrs, struct client *client);

/* A setting that the message does not have gets the default of a pool. */
void attrs_settings(const struct attrs *attrs, struct settings *settings);

#endif /* CTL_ATTR_H */
