/* SPDX-License-Identifier: GPL-2.0-only */
/* Dump requests, repeated if something changed while the kernel answered. */
#ifndef CTL_DUMP_H
#define CTL_DUMP_H

#include <linux/leastconn.h>

#include "nl.h"

struct change;

/**
 * struct dump - a dump request
 * @cmd: the netlink command
 * @filter: limits the dump; NULL: no limit
 * @reader: called for each message
 * @reset: called before each attempt, to discard the previous one
 * @data: passed to @reader and @reset
 */
struct dump {
	enum leastconn_cmd	cmd;
	const struct change	*filter;
	nl_reader		reader;
	void			(*reset)(void *data);
	void			*data;
};

/* Ends the program on error. @pool: the pool that the filter names, or NULL. */
void dump_run(const struct dump *dump, struct nl *nl, const char *pool);

#endif /* CTL_DUMP_H */
