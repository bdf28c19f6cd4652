/* SPDX-License-Identifier: GPL-2.0-only */
/* The attributes of a message from the kernel, checked. */
#ifndef CTL_ATTR_H
#define CTL_ATTR_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/leastconn.h>

#include "backend.h"
#include "settings.h"

struct nlattr;
struct nlmsghdr;

/**
 * struct attrs - those of a message; what is not there is NULL
 * @at: by their number
 */
struct attrs {
	const struct nlattr	*at[LEASTCONN_A_MAX + 1];
};

/* Ends the program if one is not as the contract has it. */
void attrs_read(const struct nlmsghdr *nlh, struct attrs *attrs);

bool attrs_have(const struct attrs *attrs, enum leastconn_attr attr);

/* 0 if it is not there. */
uint32_t attrs_u32(const struct attrs *attrs, enum leastconn_attr attr);
uint64_t attrs_u64(const struct attrs *attrs, enum leastconn_attr attr);

/* NULL if it is not there. */
const char *attrs_pool(const struct attrs *attrs);

/* Return: false if there is none. */
bool attrs_backend(const struct attrs *attrs, struct backend *backend);

/* What is not there is as in a pool that is given none. */
void attrs_settings(const struct attrs *attrs, struct settings *settings);

#endif /* CTL_ATTR_H */
