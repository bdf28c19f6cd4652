/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _XT_LEASTCONN_H
#define _XT_LEASTCONN_H

#include <linux/types.h>
#include <linux/netfilter.h>

/** XT_LEASTCONN_MAX_BACKENDS - maximum number of backends in a rule */
#define XT_LEASTCONN_MAX_BACKENDS	64U

/** XT_LEASTCONN_NAME_SIZE - size of a pool name with the terminating zero byte */
#define XT_LEASTCONN_NAME_SIZE		32

/** XT_LEASTCONN_MAX_WEIGHT - maximum weight of a backend */
#define XT_LEASTCONN_MAX_WEIGHT		65535U

/** XT_LEASTCONN_MAX_SECONDS - maximum of settings in seconds: 7 days */
#define XT_LEASTCONN_MAX_SECONDS	604800U

/**
 * XT_LEASTCONN_MAX_FAILS - default of max_fails if the rule is for TCP and each backend
 * has a port; otherwise it is 0
 */
#define XT_LEASTCONN_MAX_FAILS	3U

/** XT_LEASTCONN_FAIL_TIMEOUT - default of the fail timeout in seconds */
#define XT_LEASTCONN_FAIL_TIMEOUT	10U

/**
 * enum xt_leastconn_flags - settings of a rule
 * @XT_LEASTCONN_REDISPATCH: give a connection to another backend if its backend
 *	refuses or does not answer it
 * @XT_LEASTCONN_MASK: all flags of this revision
 */
enum xt_leastconn_flags {
	XT_LEASTCONN_REDISPATCH		= 1 << 0,

	XT_LEASTCONN_MASK		= XT_LEASTCONN_REDISPATCH,
};

/**
 * enum xt_leastconn_backend_flags - flags of a backend in a rule
 * @XT_LEASTCONN_BACKUP: used only when no ordinary backend can take the
 *	connection
 * @XT_LEASTCONN_BACKEND_MASK: all flags of this revision
 */
enum xt_leastconn_backend_flags {
	XT_LEASTCONN_BACKUP		= 1 << 0,

	XT_LEASTCONN_BACKEND_MASK	= XT_LEASTCONN_BACKUP,
};

/**
 * struct xt_leastconn_backend - one backend of a rule
 * @addr: address of the rule's family; for IPv4 the other 12 bytes are zero
 * @max_conns: limit of active connections, at which the backend takes no new
 *	connections; 0: no limit
 * @weight: share of new connections, 0 to %XT_LEASTCONN_MAX_WEIGHT; 0: takes no new
 *	connections
 * @port: destination port in network order; 0: the connection keeps its port, and
 *	the backend counts all connections to @addr
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
 * struct xt_leastconn_tginfo - data of a rule with target LEASTCONN, revision 0
 * @flags: &enum xt_leastconn_flags; 0 in a rule with a pool
 * @count: number of @backends in use, 1 to %XT_LEASTCONN_MAX_BACKENDS; 0 in a rule
 *	with a pool
 * @name: name of a pool in the rule's network namespace, 1 to 31 characters out of
 *	A-Z a-z 0-9 _ . - padded with zero bytes; empty in a rule with backends
 * @max_fails: failed connections within @fail_timeout after which a backend is
 *	ejected; 0: never
 * @fail_timeout: seconds in which failures are counted and for which a backend is
 *	ejected, 1 to %XT_LEASTCONN_MAX_SECONDS; in a rule with a pool, this and all
 *	other settings are 0
 * @slow_start: seconds in which the weight of a backend that is new or back grows to
 *	its full value, 0 to %XT_LEASTCONN_MAX_SECONDS; 0: no slow start
 * @persistent: seconds of inactivity for which a client keeps its backend, 0 to
 *	%XT_LEASTCONN_MAX_SECONDS; 0: not persistent
 * @persistent_mask: length of the address prefix that identifies a client, 1 to 32
 *	or 128
 * @backends: the backends, each address and port once; entries from @count on are
 *	zero, so that equal rules are equal bytes
 * @pool: used by the kernel only; not read from user space and not copied to it
 * @proto: used by the kernel only, as @pool
 *
 * The layout is the same for 32 and 64 bit. User space compares and saves the
 * fields before @pool.
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
