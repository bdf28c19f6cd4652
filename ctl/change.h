/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel answers to changes. */
#ifndef CTL_CHANGE_H
#define CTL_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

/**
 * struct killed - connections that were ended
 * @told: whether any were to be
 * @count: conntrack entries
 */
struct killed {
	bool		told;
	uint32_t	count;
};

/* An nl_reader; its data is a struct killed. */
void read_killed(const struct nlmsghdr *nlh, void *data);
void print_killed(const struct killed *killed);

#endif /* CTL_CHANGE_H */
