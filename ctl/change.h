/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A change of a pool or a backend, between the words and the netlink request.
 * Requests that only select something have the same fields.
 */
#ifndef CTL_CHANGE_H
#define CTL_CHANGE_H

#include <linux/leastconn.h>

#include "backend.h"
#include "settings.h"

/* The fields that a change sets, and flags. */
enum {
	GIVEN_POOL	= 1 << 0,
	GIVEN_ADDRESS	= 1 << 1,
	GIVEN_PORT	= 1 << 2,
	GIVEN_PROTO	= 1 << 3,
	GIVEN_WEIGHT	= 1 << 4,
	GIVEN_MAX_CONNS	= 1 << 5,
	GIVEN_BACKUP	= 1 << 6,
	GIVEN_STATE	= 1 << 7,
	GIVEN_KILL	= 1 << 8,
	GIVEN_AHEAD	= 1 << 9,
	GIVEN_EJECTION_TIME = 1 << 10,
	GIVEN_CLIENT	= 1 << 11,
};

#define GIVEN_SETTING(id)	(1U << (12 + (id)))
#define GIVEN_SETTINGS		(GIVEN_SETTING(N_SETTINGS) - GIVEN_SETTING(0))

/**
 * struct change - one change as the kernel is asked for it
 * @op: the operation
 * @given: GIVEN_* of the fields that are set; flags have no field
 * @pool: name of the pool
 * @backend: address, port, protocol, weight, limit, backup and state
 * @settings: settings of the pool
 * @ejection_time: seconds
 * @prefix: length of a client's prefix; its address is that of @backend
 */
struct change {
	enum leastconn_op	op;
	unsigned int		given;
	const char		*pool;
	struct backend		backend;
	struct settings		settings;
	uint32_t		ejection_time;
	uint32_t		prefix;
};

#endif /* CTL_CHANGE_H */
