/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _XT_LEASTCONN_H
#define _XT_LEASTCONN_H

#include <linux/types.h>
#include <linux/netfilter.h>

/** XT_LEASTCONN_MAX_BACKENDS - most backends one rule can list */
#define XT_LEASTCONN_MAX_BACKENDS	64U

/** XT_LEASTCONN_NAME_SIZE - a pool's name with its final zero byte */
#define XT_LEASTCONN_NAME_SIZE		32

/** XT_LEASTCONN_MAX_WEIGHT - greatest weight of a backend */
#define XT_LEASTCONN_MAX_WEIGHT		65535U

/** XT_LEASTCONN_MAX_SECONDS - longest time that can be set, 7 days */
#define XT_LEASTCONN_MAX_SECONDS	604800U

/** XT_LEASTCONN_FAIL_TIMEOUT - seconds, when none are given */
#define XT_LEASTCONN_FAIL_TIMEOUT	10U

/**
 * enum xt_leastconn_flags - settings of a rule
 * @XT_LEASTCONN_REDISPATCH: a connection that its backend does not answer, or
 *	refuses, is given to another
 * @XT_LEASTCONN_MASK: every flag this revision knows
 */
enum xt_leastconn_flags {
	XT_LEASTCONN_REDISPATCH		= 1 << 0,

	XT_LEASTCONN_MASK		= XT_LEASTCONN_REDISPATCH,
};

/**
 * enum xt_leastconn_backend_flags - attributes of one backend in a rule
 * @XT_LEASTCONN_BACKUP: chosen only when no ordinary backend can take the
 *	connection
 * @XT_LEASTCONN_BACKEND_MASK: every flag this revision knows
 */
enum xt_leastconn_backend_flags {
	XT_LEASTCONN_BACKUP		= 1 << 0,

	XT_LEASTCONN_BACKEND_MASK	= XT_LEASTCONN_BACKUP,
};

/**
 * struct xt_leastconn_backend - one backend of a rule
 * @addr: its address, of the rule's family; the bytes an IPv4 address leaves
 *	free are zero
 * @max_conns: takes no new connection while it has this many active ones;
 *	0: no cap
 * @weight: its share, 0 to %XT_LEASTCONN_MAX_WEIGHT; 0: takes no new connection
 * @port: destination port, network order; 0: the packet keeps its own, and
 *	the backend stands for every connection to @addr
 * @flags: &enum xt_leastconn_backend_flags
 */
struct xt_leastconn_backend {
	union nf_inet_addr	addr;
	__u32			max_conns;
	__u16			weight;
	__be16			port;
	__u32			flags;
};

/**
 * struct xt_leastconn_tginfo - the rule of target LEASTCONN, revision 0
 * @flags: &enum xt_leastconn_flags; 0 in a rule that names a pool
 * @count: how many of @backends are used, 1 to %XT_LEASTCONN_MAX_BACKENDS; 0 in
 *	a rule that names a pool
 * @name: a pool of the rule's network namespace, or empty: 1 to 31 characters
 *	out of A-Z a-z 0-9 _ . - and zero bytes to the end
 * @max_fails: so many failed connections within @fail_timeout eject a backend; 0:
 *	never
 * @fail_timeout: seconds, 1 to %XT_LEASTCONN_MAX_SECONDS; 0 in a rule that names
 *	a pool, as are all these settings
 * @slow_start: seconds, to %XT_LEASTCONN_MAX_SECONDS, in which a backend that is
 *	new or back grows to its full weight; 0: at once
 * @persistent: seconds, to %XT_LEASTCONN_MAX_SECONDS, for which an idle client
 *	keeps its backend; 0: it does not
 * @persistent_mask: length of the prefix that counts as one client, 1 to 32 or
 *	128
 * @backends: the backends, no two with the same address and port; those from
 *	@count on are all zero, so that two equal rules are equal bytes
 * @pool: the kernel's own; never read from user space, never shown to it
 * @proto: the kernel's own, as @pool
 *
 * One layout on 32 and 64 bit. User space compares and saves what lies before
 * @pool.
 */
struct xt_leastconn_tginfo {
	__u32				flags;
	__u32				count;
	char				name[XT_LEASTCONN_NAME_SIZE];
	__u32				max_fails;
	__u32				fail_timeout;
	__u32				slow_start;
	__u32				persistent;
	__u32				persistent_mask;
	struct xt_leastconn_backend	backends[XT_LEASTCONN_MAX_BACKENDS];

	/* Used internally by the kernel */
	struct lc_pool			*pool __attribute__((aligned(8)));
	__u8				proto __attribute__((aligned(8)));
};

#endif /* _XT_LEASTCONN_H */
