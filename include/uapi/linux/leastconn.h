/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Run-time control of LEASTCONN: the generic netlink family "leastconn".
 *
 * Every command needs CAP_NET_ADMIN over the network namespace of its socket,
 * and is about that namespace alone. Documentation/netlink/specs/leastconn.yaml
 * says the same for other languages.
 */
#ifndef _UAPI_LINUX_LEASTCONN_H
#define _UAPI_LINUX_LEASTCONN_H

#include <linux/types.h>

#define LEASTCONN_GENL_NAME	"leastconn"
#define LEASTCONN_GENL_VERSION	1
#define LEASTCONN_MCGRP_EVENTS	"events"

/** LEASTCONN_NAME_SIZE - a pool's name with its final zero byte */
#define LEASTCONN_NAME_SIZE	32

/** LEASTCONN_MAX_MEMBERS - most backends of a pool */
#define LEASTCONN_MAX_MEMBERS	65535

/** LEASTCONN_MAX_SECONDS - longest time that can be set, 7 days */
#define LEASTCONN_MAX_SECONDS	604800

/** LEASTCONN_MAX_POOLS - most pools of a network namespace */
#define LEASTCONN_MAX_POOLS	4096

/**
 * enum leastconn_cmd - what can be asked and told
 * @LEASTCONN_CMD_UNSPEC: none
 * @LEASTCONN_CMD_CHANGE: request: any number of %LEASTCONN_A_CHANGE, each a
 *	change, carried out in their order, all or none. Refused: the extended
 *	acknowledgment says why, and its offset which change. Reply, when there
 *	is a %LEASTCONN_OP_KILL or %LEASTCONN_A_KILL among them:
 *	%LEASTCONN_A_KILLED. E2BIG: more backends would be looked at than one
 *	message may (32,768, each counting once more for each pool that it is
 *	in; 4,194,304 in a namespace of the host's own user namespace)
 * @LEASTCONN_CMD_GET_POOLS: dump, all of one moment: for each pool a message
 *	without %LEASTCONN_A_ADDRESS (%LEASTCONN_A_POOL, %LEASTCONN_A_RULES,
 *	%LEASTCONN_A_MEMBERS), then one with it for each backend of the pool in the
 *	order they were added. Then the same for the backends of each rule with
 *	--to, with %LEASTCONN_A_RULE instead of %LEASTCONN_A_POOL. With
 *	%LEASTCONN_A_POOL in the request this pool alone
 * @LEASTCONN_CMD_GET_BACKENDS: dump, all of one moment: a message for each
 *	backend known, in the order they appeared; of those that match
 *	%LEASTCONN_A_FAMILY, %LEASTCONN_A_ADDRESS, %LEASTCONN_A_PORT and
 *	%LEASTCONN_A_PROTO, as far as the request has them
 *
 * Outside the host's own user namespace each of the three may end with EAGAIN: other
 * commands of the same user are under way, or have used up his share of the time.
 * Nothing has been done; try again.
 *
 * @LEASTCONN_CMD_EVENT: to multicast group %LEASTCONN_MCGRP_EVENTS:
 *	%LEASTCONN_A_EVENT and what it is about. Several may come in one buffer, as
 *	the messages of a dump do. A reader that is too slow is told so by ENOBUFS,
 *	and so are all of the namespace when sending them takes too long
 * @__LEASTCONN_CMD_MAX: one more than the last
 * @LEASTCONN_CMD_MAX: the last
 */
enum leastconn_cmd {
	LEASTCONN_CMD_UNSPEC,
	LEASTCONN_CMD_CHANGE,
	LEASTCONN_CMD_GET_POOLS,
	LEASTCONN_CMD_GET_BACKENDS,
	LEASTCONN_CMD_EVENT,

	__LEASTCONN_CMD_MAX,
	LEASTCONN_CMD_MAX = __LEASTCONN_CMD_MAX - 1
};

/**
 * enum leastconn_op - a change
 * @LEASTCONN_OP_UNSPEC: none
 * @LEASTCONN_OP_POOL_ADD: a new, empty pool: %LEASTCONN_A_POOL. EEXIST: there is
 *	one; ENOSPC: there are %LEASTCONN_MAX_POOLS
 * @LEASTCONN_OP_POOL_DEL: a pool goes with its backends: %LEASTCONN_A_POOL.
 *	ENOENT: there is none; EBUSY: rules use it
 * @LEASTCONN_OP_ADD: one more backend for %LEASTCONN_A_POOL:
 *	%LEASTCONN_A_FAMILY, %LEASTCONN_A_ADDRESS; else as defaults:
 *	%LEASTCONN_A_PORT (0), %LEASTCONN_A_PROTO (with a port: the pool's, TCP if
 *	it has none yet), %LEASTCONN_A_WEIGHT (1), %LEASTCONN_A_MAX_CONNS (0),
 *	%LEASTCONN_A_BACKUP (0), %LEASTCONN_A_STATE (as it is). EEXIST: the pool
 *	has it; ENOSPC: it has %LEASTCONN_MAX_MEMBERS, or all pools and rules of
 *	the namespace together have 1,048,576; EINVAL: its backends or rules are of
 *	another family or protocol
 * @LEASTCONN_OP_SET: other terms for a backend of %LEASTCONN_A_POOL: the
 *	same attributes; what is not given stays. ENOENT: the pool has it not
 * @LEASTCONN_OP_DEL: one backend less for %LEASTCONN_A_POOL, with
 *	%LEASTCONN_A_KILL its connections too
 * @LEASTCONN_OP_STATE: %LEASTCONN_A_STATE for every backend that matches
 *	%LEASTCONN_A_FAMILY, %LEASTCONN_A_ADDRESS and, as far as they are given,
 *	%LEASTCONN_A_PORT and %LEASTCONN_A_PROTO. ENOENT: none does; with
 *	%LEASTCONN_A_AHEAD it is then noted for the time there is one, and no
 *	port given is port 0
 * @LEASTCONN_OP_KILL: the conntrack entries of every backend that matches, as
 *	for %LEASTCONN_OP_STATE, are deleted once all changes are done
 * @LEASTCONN_OP_POOL_SET: other settings for %LEASTCONN_A_POOL; what is not given
 *	stays: %LEASTCONN_A_MAX_FAILS, %LEASTCONN_A_FAIL_TIMEOUT,
 *	%LEASTCONN_A_SLOW_START, %LEASTCONN_A_REDISPATCH, %LEASTCONN_A_PERSISTENT,
 *	%LEASTCONN_A_PERSISTENT_MASK. %LEASTCONN_OP_POOL_ADD
 *	takes the same. ENOENT: there is no such pool
 * @__LEASTCONN_OP_MAX: one more than the last
 * @LEASTCONN_OP_MAX: the last
 */
enum leastconn_op {
	LEASTCONN_OP_UNSPEC,
	LEASTCONN_OP_POOL_ADD,
	LEASTCONN_OP_POOL_DEL,
	LEASTCONN_OP_ADD,
	LEASTCONN_OP_SET,
	LEASTCONN_OP_DEL,
	LEASTCONN_OP_STATE,
	LEASTCONN_OP_KILL,
	LEASTCONN_OP_POOL_SET,

	__LEASTCONN_OP_MAX,
	LEASTCONN_OP_MAX = __LEASTCONN_OP_MAX - 1
};

/**
 * enum leastconn_state - what the administrator wants of a backend, wherever it
 *	is used. It stays when the pools and rules that use the backend go, until
 *	it is ready again
 * @LEASTCONN_STATE_READY: takes connections
 * @LEASTCONN_STATE_DRAIN: takes no new connection; those it has go on
 * @LEASTCONN_STATE_DOWN: the same, and conntrack entries that it has not answered
 *	yet are deleted, so that a client's next try goes elsewhere
 * @__LEASTCONN_STATE_MAX: one more than the last
 * @LEASTCONN_STATE_MAX: the last
 */
enum leastconn_state {
	LEASTCONN_STATE_READY,
	LEASTCONN_STATE_DRAIN,
	LEASTCONN_STATE_DOWN,

	__LEASTCONN_STATE_MAX,
	LEASTCONN_STATE_MAX = __LEASTCONN_STATE_MAX - 1
};

/**
 * enum leastconn_health - what a pool with %LEASTCONN_A_MAX_FAILS thinks of a
 *	backend
 * @LEASTCONN_HEALTH_IN: nothing bad
 * @LEASTCONN_HEALTH_EJECTED: takes no connection until its rest is over
 * @LEASTCONN_HEALTH_TRIAL: takes one connection, which decides
 * @__LEASTCONN_HEALTH_MAX: one more than the last
 * @LEASTCONN_HEALTH_MAX: the last
 */
enum leastconn_health {
	LEASTCONN_HEALTH_IN,
	LEASTCONN_HEALTH_EJECTED,
	LEASTCONN_HEALTH_TRIAL,

	__LEASTCONN_HEALTH_MAX,
	LEASTCONN_HEALTH_MAX = __LEASTCONN_HEALTH_MAX - 1
};

/**
 * enum leastconn_reason - why a pool has ejected a backend: how the last of the
 *	connections that count for it failed
 * @LEASTCONN_REASON_NONE: it has not
 * @LEASTCONN_REASON_UNANSWERED: nothing came back
 * @LEASTCONN_REASON_REFUSED: TCP, a reset; or an ICMP error said that nobody has
 *	the port
 * @LEASTCONN_REASON_UNREACHABLE: another ICMP error said that it is not to be
 *	reached
 * @__LEASTCONN_REASON_MAX: one more than the last
 * @LEASTCONN_REASON_MAX: the last
 */
enum leastconn_reason {
	LEASTCONN_REASON_NONE,
	LEASTCONN_REASON_UNANSWERED,
	LEASTCONN_REASON_REFUSED,
	LEASTCONN_REASON_UNREACHABLE,

	__LEASTCONN_REASON_MAX,
	LEASTCONN_REASON_MAX = __LEASTCONN_REASON_MAX - 1
};

/**
 * enum leastconn_event - what has happened
 * @LEASTCONN_EVENT_UNSPEC: none
 * @LEASTCONN_EVENT_POOL_ADDED: %LEASTCONN_A_POOL
 * @LEASTCONN_EVENT_POOL_DELETED: %LEASTCONN_A_POOL, with its backends
 * @LEASTCONN_EVENT_ADDED: a backend joined %LEASTCONN_A_POOL, with its terms
 * @LEASTCONN_EVENT_CHANGED: a backend of %LEASTCONN_A_POOL has other terms
 * @LEASTCONN_EVENT_DELETED: a backend left %LEASTCONN_A_POOL
 * @LEASTCONN_EVENT_STATE: a backend has %LEASTCONN_A_STATE now
 * @LEASTCONN_EVENT_DRAINED: a backend that is not ready has no active
 *	connection any more
 * @LEASTCONN_EVENT_FULL: a backend of %LEASTCONN_A_POOL has reached its
 *	%LEASTCONN_A_MAX_CONNS
 * @LEASTCONN_EVENT_NOT_FULL: it is below again
 * @LEASTCONN_EVENT_POOL_CHANGED: %LEASTCONN_A_POOL has other settings
 * @LEASTCONN_EVENT_EJECTED: a backend of %LEASTCONN_A_POOL is ejected, for
 *	%LEASTCONN_A_REASON
 * @LEASTCONN_EVENT_BACK: it is back
 * @__LEASTCONN_EVENT_MAX: one more than the last
 * @LEASTCONN_EVENT_MAX: the last
 *
 * What comes of connections is looked for ten times a second while connections
 * begin or close, else each 0.7 s: what lasts shorter is not told. A state that one
 * message changes more than once is told once.
 */
enum leastconn_event {
	LEASTCONN_EVENT_UNSPEC,
	LEASTCONN_EVENT_POOL_ADDED,
	LEASTCONN_EVENT_POOL_DELETED,
	LEASTCONN_EVENT_ADDED,
	LEASTCONN_EVENT_CHANGED,
	LEASTCONN_EVENT_DELETED,
	LEASTCONN_EVENT_STATE,
	LEASTCONN_EVENT_DRAINED,
	LEASTCONN_EVENT_FULL,
	LEASTCONN_EVENT_NOT_FULL,
	LEASTCONN_EVENT_POOL_CHANGED,
	LEASTCONN_EVENT_EJECTED,
	LEASTCONN_EVENT_BACK,

	__LEASTCONN_EVENT_MAX,
	LEASTCONN_EVENT_MAX = __LEASTCONN_EVENT_MAX - 1
};

/**
 * enum leastconn_attr - attributes of messages and of changes
 * @LEASTCONN_A_UNSPEC: none
 * @LEASTCONN_A_PAD: alignment
 * @LEASTCONN_A_CHANGE: nest: a change; the only attribute of
 *	%LEASTCONN_CMD_CHANGE, as often as there are changes
 * @LEASTCONN_A_OP: u32, &enum leastconn_op
 * @LEASTCONN_A_POOL: string of 1 to 31 characters out of A-Z a-z 0-9 _ . -
 * @LEASTCONN_A_RULE: u32, which rule with --to: numbers without a meaning of
 *	their own, a new one each time that iptables loads the rule
 * @LEASTCONN_A_FAMILY: u32, NFPROTO_IPV4 or NFPROTO_IPV6
 * @LEASTCONN_A_ADDRESS: 4 or 16 bytes in network order
 * @LEASTCONN_A_PORT: u32, 0 to 65535 in host order; 0: the backend is the whole
 *	address
 * @LEASTCONN_A_PROTO: u32, IPPROTO_TCP, UDP, SCTP, DCCP or UDPLITE; 0 when the
 *	port is 0: every protocol
 * @LEASTCONN_A_WEIGHT: u32, share in this pool, 0 to 65535
 * @LEASTCONN_A_MAX_CONNS: u32, most active connections; 0: no limit
 * @LEASTCONN_A_BACKUP: u32, 0 or 1: used only when no ordinary backend can take
 *	the connection
 * @LEASTCONN_A_STATE: u32, &enum leastconn_state
 * @LEASTCONN_A_KILL: flag: end the backend's connections
 * @LEASTCONN_A_AHEAD: flag: the backend need not be known yet
 * @LEASTCONN_A_ACTIVE: u32, live connections, as selection counts them
 * @LEASTCONN_A_INACTIVE: u32, closed TCP connections with a conntrack entry still
 * @LEASTCONN_A_TOTAL: u64, connections ever
 * @LEASTCONN_A_RULES: u32, rules that use the pool
 * @LEASTCONN_A_MEMBERS: u32, backends of the pool
 * @LEASTCONN_A_EVENT: u32, &enum leastconn_event
 * @LEASTCONN_A_KILLED: u32, conntrack entries that were deleted
 * @LEASTCONN_A_MAX_FAILS: u32, so many failed connections within the fail timeout
 *	eject a backend from the pool; 0: never
 * @LEASTCONN_A_FAIL_TIMEOUT: u32, seconds, 1 to %LEASTCONN_MAX_SECONDS
 * @LEASTCONN_A_SLOW_START: u32, seconds, to %LEASTCONN_MAX_SECONDS, in which a
 *	backend that is new or back grows to its full weight; 0: at once
 * @LEASTCONN_A_REDISPATCH: u32, 0 or 1: a connection that its backend does not
 *	answer, or refuses, is given to another
 * @LEASTCONN_A_HEALTH: u32, &enum leastconn_health
 * @LEASTCONN_A_PERSISTENT: u32, seconds, to %LEASTCONN_MAX_SECONDS, for which a
 *	client keeps its backend since it came last; 0: it does not
 * @LEASTCONN_A_PERSISTENT_MASK: u32, length of the prefix that counts as one
 *	client, 1 to 128; longer than an address: the whole of it
 * @LEASTCONN_A_FAILS: u32, failed connections of the backend, ever
 * @LEASTCONN_A_REASON: u32, &enum leastconn_reason, why the pool has ejected the
 *	backend; none: %LEASTCONN_A_HEALTH is %LEASTCONN_HEALTH_IN
 * @__LEASTCONN_A_MAX: one more than the last
 * @LEASTCONN_A_MAX: the last
 */
enum leastconn_attr {
	LEASTCONN_A_UNSPEC,
	LEASTCONN_A_PAD,
	LEASTCONN_A_CHANGE,
	LEASTCONN_A_OP,
	LEASTCONN_A_POOL,
	LEASTCONN_A_RULE,
	LEASTCONN_A_FAMILY,
	LEASTCONN_A_ADDRESS,
	LEASTCONN_A_PORT,
	LEASTCONN_A_PROTO,
	LEASTCONN_A_WEIGHT,
	LEASTCONN_A_MAX_CONNS,
	LEASTCONN_A_BACKUP,
	LEASTCONN_A_STATE,
	LEASTCONN_A_KILL,
	LEASTCONN_A_AHEAD,
	LEASTCONN_A_ACTIVE,
	LEASTCONN_A_INACTIVE,
	LEASTCONN_A_TOTAL,
	LEASTCONN_A_RULES,
	LEASTCONN_A_MEMBERS,
	LEASTCONN_A_EVENT,
	LEASTCONN_A_KILLED,
	LEASTCONN_A_MAX_FAILS,
	LEASTCONN_A_FAIL_TIMEOUT,
	LEASTCONN_A_SLOW_START,
	LEASTCONN_A_REDISPATCH,
	LEASTCONN_A_HEALTH,
	LEASTCONN_A_FAILS,
	LEASTCONN_A_PERSISTENT,
	LEASTCONN_A_PERSISTENT_MASK,
	LEASTCONN_A_REASON,

	__LEASTCONN_A_MAX,
	LEASTCONN_A_MAX = __LEASTCONN_A_MAX - 1
};

#endif /* _UAPI_LINUX_LEASTCONN_H */
