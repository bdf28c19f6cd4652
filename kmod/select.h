/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_SELECT_H
#define LC_SELECT_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct lc_slot - one backend as a pool sees it
 * @active: live connections of the backend, shared by all pools that use it
 * @max_conns: takes no connection while @active is not below; 0: no cap
 * @weight: share of the backend in this pool, 0 to 65535; 0: takes none
 * @backup: chosen only when no ordinary slot can take the connection
 */
struct lc_slot {
	const atomic_t	*active;
	u32		max_conns;
	u16		weight;
	bool		backup;
};

int lc_select(const struct lc_slot *slots, unsigned int count,
	      unsigned int start);

#endif /* LC_SELECT_H */
