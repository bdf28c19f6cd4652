/* SPDX-License-Identifier: GPL-2.0-only */
/* The number of conntrack entries that a change has deleted. */
#ifndef CTL_KILLED_H
#define CTL_KILLED_H

#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

/**
 * struct killed - the kernel's answer to kill or --kill
 * @reported: the answer had a number
 * @count: conntrack entries deleted
 */
struct killed {
	bool		reported;
	uint32_t	count;
};

/* An nl_reader; its data is a struct killed. */
void killed_read(const struct nlmsghdr *nlh, void *data);

/* Print the number if the kernel reported one. */
void killed_print(const struct killed *killed);

#endif /* CTL_KILLED_H */
