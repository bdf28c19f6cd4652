/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Run-time control of LEASTCONN: the generic netlink family "leastconn".
 *
 * Every command requires CAP_NET_ADMIN in the network namespace of its socket and
 * applies to that namespace only. Documentation/netlink/specs/leastconn.yaml is
 * the machine-readable specification.
 */
#ifndef _UAPI_LINUX_LEASTCONN_H
#define _UAPI_LINUX_LEASTCONN_H

#include <linux/types.h>

#define LEASTCONN_GENL_NAME	"leastconn"
#define LEASTCONN_GENL_VERSION	1
#define LEASTCONN_MCGRP_EVENTS	"events"

/** LEASTCONN_NAME_SIZE - size of a pool name with the terminating zero byte */
#define LEASTCONN_NAME_SIZE	32

/** LEASTCONN_MAX_MEMBERS - maximum number of backends in a pool */
#define LEASTCONN_MAX_MEMBERS	65535

/** LEASTCONN_MAX_SECONDS - maximum of settings in seconds: 7 days */
#define LEASTCONN_MAX_SECONDS	604800

/**
 * LEASTCONN_MAX_FAILS_DEFAULT - %LEASTCONN_A_MAX_FAILS of a pool that was given none: 3
 * for backends with a TCP port, 0 for others
 */
#define LEASTCONN_MAX_FAILS_DEFAULT	0xffffffffU

/** LEASTCONN_MAX_EJECTION_TIME - maximum of %LEASTCONN_A_EJECTION_TIME: one day */
#define LEASTCONN_MAX_EJECTION_TIME	86400

/** LEASTCONN_MAX_POOLS - maximum number of pools in a network namespace */
#define LEASTCONN_MAX_POOLS	4096

/**
 * enum leastconn_cmd - commands and notifications
 * @LEASTCONN_CMD_UNSPEC: not used
 * @LEASTCONN_CMD_CHANGE: apply changes. The request has any number of
 *	%LEASTCONN_A_CHANGE attributes, which are applied in their order, all or
 *	none. On error, the extended acknowledgment has a message and the offset of
 *	the attribute in error. If a change is %LEASTCONN_OP_KILL or has
 *	%LEASTCONN_A_KILL, the reply has %LEASTCONN_A_KILLED. E2BIG: the changes
 *	would look at more backends than the limit of a request: 32,768, or
 *	4,194,304 in a network namespace of the initial user namespace; a backend
 *	counts once more for each pool that it is in, four connections that are killed
 *	count as a backend, and so does a pool that is added, set or deleted. EAGAIN:
 *	hooks of a family cannot be registered yet, since other namespaces flush
 *	connections
 * @LEASTCONN_CMD_GET_POOLS: dump pools and rules, consistent at one moment. For each
 *	pool: a message without %LEASTCONN_A_ADDRESS (%LEASTCONN_A_POOL,
 *	%LEASTCONN_A_RULES, %LEASTCONN_A_MEMBERS and settings), then a message with
 *	%LEASTCONN_A_ADDRESS for each backend of the pool, in the order in which
 *	they were added. Then the same for each rule with --to, with
 *	%LEASTCONN_A_RULE instead of %LEASTCONN_A_POOL. If the request has
 *	%LEASTCONN_A_POOL, only this pool
 * @LEASTCONN_CMD_GET_BACKENDS: dump backends, consistent at one moment: a message
 *	for each backend that the kernel knows, in the order in which they appeared.
 *	Only backends that match the request's %LEASTCONN_A_FAMILY,
 *	%LEASTCONN_A_ADDRESS, %LEASTCONN_A_PORT and %LEASTCONN_A_PROTO, as far as it
 *	has them
 *
 * Outside the initial user namespace, each command can fail with EAGAIN: other commands of
 * the same user are running or have used up the user's share of time. Nothing was
 * changed; try again.
 *
 * @LEASTCONN_CMD_EVENT: a notification to multicast group %LEASTCONN_MCGRP_EVENTS:
 *	%LEASTCONN_A_EVENT and attributes of the pool or backend. A datagram can have
 *	several messages. A socket that reads too slowly gets ENOBUFS; all sockets of
 *	the namespace get it when sending the events takes too long
 * @LEASTCONN_CMD_GET_CLIENTS: dump the clients that %LEASTCONN_A_PERSISTENT remembers:
 *	a message for each, with the client (%LEASTCONN_A_FAMILY, %LEASTCONN_A_CLIENT,
 *	%LEASTCONN_A_CLIENT_PREFIX), its service (%LEASTCONN_A_SERVICE,
 *	%LEASTCONN_A_SERVICE_PORT, %LEASTCONN_A_SERVICE_PROTO), its backend
 *	(%LEASTCONN_A_ADDRESS, %LEASTCONN_A_PORT, %LEASTCONN_A_PROTO) and
 *	%LEASTCONN_A_EXPIRES, in no order. A client that is remembered during the whole
 *	dump is in it once, whatever else changes. If the request has
 *	%LEASTCONN_A_POOL, only clients of the backends that this pool had when the
 *	dump began. If it has %LEASTCONN_A_FAMILY, only clients of this family. If it
 *	also has %LEASTCONN_A_CLIENT, maybe with %LEASTCONN_A_CLIENT_PREFIX (default:
 *	the whole address), only clients of which this prefix is a part, or which are
 *	a part of it. ENOENT: no such pool
 * @LEASTCONN_CMD_FLUSH_CLIENTS: forget clients: all, or those that the attributes
 *	select, as for %LEASTCONN_CMD_GET_CLIENTS. Connections are not changed
 * @__LEASTCONN_CMD_MAX: one more than the last command
 * @LEASTCONN_CMD_MAX: the last command
 */
enum leastconn_cmd {
	LEASTCONN_CMD_UNSPEC,
	LEASTCONN_CMD_CHANGE,
	LEASTCONN_CMD_GET_POOLS,
	LEASTCONN_CMD_GET_BACKENDS,
	LEASTCONN_CMD_EVENT,
	LEASTCONN_CMD_GET_CLIENTS,
	LEASTCONN_CMD_FLUSH_CLIENTS,

	__LEASTCONN_CMD_MAX,
	LEASTCONN_CMD_MAX = __LEASTCONN_CMD_MAX - 1
};

/**
 * enum leastconn_op - operation of a change
 * @LEASTCONN_OP_UNSPEC: not used
 * @LEASTCONN_OP_POOL_ADD: create an empty pool %LEASTCONN_A_POOL, with settings as
 *	for %LEASTCONN_OP_POOL_SET. EEXIST: the pool exists; ENOSPC: there are
 *	%LEASTCONN_MAX_POOLS pools
 * @LEASTCONN_OP_POOL_DEL: delete pool %LEASTCONN_A_POOL with its backends. ENOENT: no
 *	such pool; EBUSY: rules use it
 * @LEASTCONN_OP_ADD: add a backend, %LEASTCONN_A_FAMILY and %LEASTCONN_A_ADDRESS, to
 *	%LEASTCONN_A_POOL. Optional, with their defaults: %LEASTCONN_A_PORT (0),
 *	%LEASTCONN_A_PROTO (with a port: the pool's protocol, TCP if the pool has
 *	none yet), %LEASTCONN_A_WEIGHT (1), %LEASTCONN_A_MAX_CONNS (0),
 *	%LEASTCONN_A_BACKUP (0), %LEASTCONN_A_STATE (unchanged). EEXIST: the pool has
 *	this backend; ENOSPC: the pool has %LEASTCONN_MAX_MEMBERS backends, or all
 *	pools and rules of the namespace together have 1,048,576; EINVAL: the pool
 *	has backends or rules of another family or protocol
 * @LEASTCONN_OP_SET: modify a backend of %LEASTCONN_A_POOL. The attributes are those
 *	of %LEASTCONN_OP_ADD; what is not given is not changed. ENOENT: the pool does
 *	not have this backend
 * @LEASTCONN_OP_DEL: delete a backend from %LEASTCONN_A_POOL; with %LEASTCONN_A_KILL,
 *	end its connections
 * @LEASTCONN_OP_STATE: set %LEASTCONN_A_STATE of every backend that matches
 *	%LEASTCONN_A_FAMILY, %LEASTCONN_A_ADDRESS and, if given, %LEASTCONN_A_PORT and
 *	%LEASTCONN_A_PROTO. ENOENT: no backend matches. With %LEASTCONN_A_AHEAD, the
 *	state is recorded in this case for a backend that is added later; a missing
 *	port means port 0
 * @LEASTCONN_OP_KILL: delete the conntrack entries of every backend that matches, as
 *	for %LEASTCONN_OP_STATE, after all changes are applied
 * @LEASTCONN_OP_POOL_SET: modify settings of %LEASTCONN_A_POOL:
 *	%LEASTCONN_A_MAX_FAILS, %LEASTCONN_A_FAIL_TIMEOUT,
 *	%LEASTCONN_A_SLOW_START, %LEASTCONN_A_REDISPATCH, %LEASTCONN_A_PERSISTENT,
 *	%LEASTCONN_A_PERSISTENT_MASK. What is not given is not changed. ENOENT: no
 *	such pool
 * @LEASTCONN_OP_EJECT: eject every backend that matches, as for
 *	%LEASTCONN_OP_STATE, from all pools and rules that have it, for
 *	%LEASTCONN_A_EJECTION_TIME or, without that, for the fail timeout of the pool
 *	or rule. Pools and rules without %LEASTCONN_A_MAX_FAILS do so, too. How many
 *	backends are ejected already does not matter. The reason is
 *	%LEASTCONN_REASON_MANUAL. %LEASTCONN_OP_STATE with %LEASTCONN_STATE_READY ends
 *	the ejection. ENOENT: no backend matches that a pool or rule has
 * @__LEASTCONN_OP_MAX: one more than the last operation
 * @LEASTCONN_OP_MAX: the last operation
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
	LEASTCONN_OP_EJECT,

	__LEASTCONN_OP_MAX,
	LEASTCONN_OP_MAX = __LEASTCONN_OP_MAX - 1
};

/**
 * enum leastconn_state - state of a backend, set by the administrator, in all pools
 *	and rules. A state other than ready is kept when the pools and rules that use
 *	the backend are deleted
 * @LEASTCONN_STATE_READY: takes new connections
 * @LEASTCONN_STATE_DRAIN: takes no new connections; existing ones continue
 * @LEASTCONN_STATE_DOWN: as %LEASTCONN_STATE_DRAIN; in addition, conntrack entries
 *	without a reply are deleted, so that a client's next attempt reaches another
 *	backend
 * @__LEASTCONN_STATE_MAX: one more than the last state
 * @LEASTCONN_STATE_MAX: the last state
 */
enum leastconn_state {
	LEASTCONN_STATE_READY,
	LEASTCONN_STATE_DRAIN,
	LEASTCONN_STATE_DOWN,

	__LEASTCONN_STATE_MAX,
	LEASTCONN_STATE_MAX = __LEASTCONN_STATE_MAX - 1
};

/**
 * enum leastconn_health - health of a backend in a pool or rule
 * @LEASTCONN_HEALTH_IN: not ejected
 * @LEASTCONN_HEALTH_EJECTED: takes no connections until the ejection time is over
 * @LEASTCONN_HEALTH_TRIAL: takes one connection, which decides whether the backend
 *	is back or is ejected again; with %LEASTCONN_A_MAX_FAILS only
 * @__LEASTCONN_HEALTH_MAX: one more than the last value
 * @LEASTCONN_HEALTH_MAX: the last value
 */
enum leastconn_health {
	LEASTCONN_HEALTH_IN,
	LEASTCONN_HEALTH_EJECTED,
	LEASTCONN_HEALTH_TRIAL,

	__LEASTCONN_HEALTH_MAX,
	LEASTCONN_HEALTH_MAX = __LEASTCONN_HEALTH_MAX - 1
};

/**
 * enum leastconn_reason - why a pool or rule has ejected a backend: by a command, or
 *	how the last failed connection before the ejection failed
 * @LEASTCONN_REASON_NONE: the backend is not ejected
 * @LEASTCONN_REASON_UNANSWERED: no reply
 * @LEASTCONN_REASON_REFUSED: a TCP reset, or an ICMP port unreachable error
 * @LEASTCONN_REASON_UNREACHABLE: another ICMP error
 * @LEASTCONN_REASON_DROPPED: this host dropped the packet after the choice
 * @LEASTCONN_REASON_MANUAL: %LEASTCONN_OP_EJECT
 * @__LEASTCONN_REASON_MAX: one more than the last reason
 * @LEASTCONN_REASON_MAX: the last reason
 */
enum leastconn_reason {
	LEASTCONN_REASON_NONE,
	LEASTCONN_REASON_UNANSWERED,
	LEASTCONN_REASON_REFUSED,
	LEASTCONN_REASON_UNREACHABLE,
	LEASTCONN_REASON_DROPPED,
	LEASTCONN_REASON_MANUAL,

	__LEASTCONN_REASON_MAX,
	LEASTCONN_REASON_MAX = __LEASTCONN_REASON_MAX - 1
};

/**
 * enum leastconn_event - events
 * @LEASTCONN_EVENT_UNSPEC: not used
 * @LEASTCONN_EVENT_POOL_ADDED: pool %LEASTCONN_A_POOL was created
 * @LEASTCONN_EVENT_POOL_DELETED: pool %LEASTCONN_A_POOL was deleted with its backends
 * @LEASTCONN_EVENT_ADDED: a backend was added to %LEASTCONN_A_POOL
 * @LEASTCONN_EVENT_CHANGED: a backend of %LEASTCONN_A_POOL was modified
 * @LEASTCONN_EVENT_DELETED: a backend was deleted from %LEASTCONN_A_POOL
 * @LEASTCONN_EVENT_STATE: the state of a backend changed to %LEASTCONN_A_STATE
 * @LEASTCONN_EVENT_DRAINED: a backend that is not ready has no active connections
 *	any more
 * @LEASTCONN_EVENT_FULL: %LEASTCONN_A_COUNTED of a backend of %LEASTCONN_A_POOL has
 *	reached its %LEASTCONN_A_MAX_CONNS
 * @LEASTCONN_EVENT_NOT_FULL: %LEASTCONN_A_COUNTED of a backend of %LEASTCONN_A_POOL is
 *	below its %LEASTCONN_A_MAX_CONNS again
 * @LEASTCONN_EVENT_POOL_CHANGED: settings of %LEASTCONN_A_POOL were modified
 * @LEASTCONN_EVENT_EJECTED: a backend of a pool or rule was ejected because of
 *	%LEASTCONN_A_REASON
 * @LEASTCONN_EVENT_BACK: a backend is not ejected any more
 * @__LEASTCONN_EVENT_MAX: one more than the last event
 * @LEASTCONN_EVENT_MAX: the last event
 *
 * Events that depend on connections (drained, full, not full, ejected and back) are
 * detected ten times per second while connections begin or close, and otherwise
 * every 0.7 s. A condition that lasts shorter may not be reported. A state that one
 * request changes several times is reported once.
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
 * @LEASTCONN_A_UNSPEC: not used
 * @LEASTCONN_A_PAD: alignment
 * @LEASTCONN_A_CHANGE: nested: one change. %LEASTCONN_CMD_CHANGE has no other
 *	attributes and can have it several times
 * @LEASTCONN_A_OP: u32, &enum leastconn_op
 * @LEASTCONN_A_POOL: string of 1 to 31 characters out of A-Z a-z 0-9 _ . -
 * @LEASTCONN_A_RULE: u32, number of a rule with --to. A rule gets a new number each
 *	time iptables loads it
 * @LEASTCONN_A_FAMILY: u32, NFPROTO_IPV4 or NFPROTO_IPV6
 * @LEASTCONN_A_ADDRESS: 4 or 16 bytes in network order
 * @LEASTCONN_A_PORT: u32, 0 to 65535 in host order; 0: the backend has no port and is
 *	used for all ports and protocols of the address
 * @LEASTCONN_A_PROTO: u32, IPPROTO_TCP, UDP, SCTP, DCCP or UDPLITE; 0 when the
 *	port is 0
 * @LEASTCONN_A_WEIGHT: u32, share of new connections in the pool, 0 to 65535
 * @LEASTCONN_A_MAX_CONNS: u32, limit of %LEASTCONN_A_COUNTED; 0: no limit
 * @LEASTCONN_A_BACKUP: u32, 0 or 1: used only when no ordinary backend can take
 *	the connection
 * @LEASTCONN_A_STATE: u32, &enum leastconn_state
 * @LEASTCONN_A_KILL: flag: end the backend's connections
 * @LEASTCONN_A_AHEAD: flag: the backend need not exist yet
 * @LEASTCONN_A_ACTIVE: u32, live connections, by which backends are selected
 * @LEASTCONN_A_INACTIVE: u32, closed TCP connections that still have a conntrack
 *	entry
 * @LEASTCONN_A_TOTAL: u64, connections sent to the backend since it is known
 * @LEASTCONN_A_RULES: u32, rules that use the pool
 * @LEASTCONN_A_MEMBERS: u32, backends of the pool
 * @LEASTCONN_A_EVENT: u32, &enum leastconn_event
 * @LEASTCONN_A_KILLED: u32, deleted conntrack entries
 * @LEASTCONN_A_MAX_FAILS: u32, failed connections within the fail timeout after
 *	which a backend is ejected from the pool; 0: never;
 *	%LEASTCONN_MAX_FAILS_DEFAULT
 * @LEASTCONN_A_FAIL_TIMEOUT: u32, seconds in which failures are counted and for which
 *	a backend is ejected, 1 to %LEASTCONN_MAX_SECONDS
 * @LEASTCONN_A_SLOW_START: u32, seconds in which the weight of a backend that is new
 *	or back grows to its full value, 0 to %LEASTCONN_MAX_SECONDS; 0: no slow start
 * @LEASTCONN_A_REDISPATCH: u32, 0 or 1: give a connection to another backend if its
 *	backend refuses or does not answer it
 * @LEASTCONN_A_HEALTH: u32, &enum leastconn_health
 * @LEASTCONN_A_PERSISTENT: u32, seconds without a new connection for which a client
 *	keeps its backend, or longer while it has a live one, 0 to
 *	%LEASTCONN_MAX_SECONDS; 0: not persistent
 * @LEASTCONN_A_PERSISTENT_MASK: u32, length of the address prefix that identifies a
 *	client, 1 to 128; longer than an address: the whole address
 * @LEASTCONN_A_FAILS: u32, failed connections since the backend is known
 * @LEASTCONN_A_REASON: u32, &enum leastconn_reason of the ejection;
 *	%LEASTCONN_REASON_NONE if %LEASTCONN_A_HEALTH is %LEASTCONN_HEALTH_IN
 * @LEASTCONN_A_EJECTION_TIME: u32, seconds for which %LEASTCONN_OP_EJECT ejects a
 *	backend, 1 to %LEASTCONN_MAX_EJECTION_TIME
 * @LEASTCONN_A_CLIENT: 4 or 16 bytes in network order, address of a client; bits beyond
 *	the prefix are 0
 * @LEASTCONN_A_CLIENT_PREFIX: u32, length of the prefix that identifies the client, 0 to
 *	128
 * @LEASTCONN_A_SERVICE: 4 or 16 bytes in network order, the address that the client
 *	connects to, before translation
 * @LEASTCONN_A_SERVICE_PORT: u32, its port in host order; 0 if the protocol has none
 * @LEASTCONN_A_SERVICE_PROTO: u32, its protocol
 * @LEASTCONN_A_EXPIRES: u32, seconds until the client is forgotten if it does not connect
 *	again and has no connection then, rounded up
 * @LEASTCONN_A_COUNTED: u32, connections of a backend of a pool or rule that count
 *	towards %LEASTCONN_A_MAX_CONNS. A TCP connection whose handshake takes longer than 1.3 to
 *	1.6 seconds does not, but is one of %LEASTCONN_A_ACTIVE
 * @__LEASTCONN_A_MAX: one more than the last attribute
 * @LEASTCONN_A_MAX: the last attribute
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
	LEASTCONN_A_EJECTION_TIME,
	LEASTCONN_A_CLIENT,
	LEASTCONN_A_CLIENT_PREFIX,
	LEASTCONN_A_SERVICE,
	LEASTCONN_A_SERVICE_PORT,
	LEASTCONN_A_SERVICE_PROTO,
	LEASTCONN_A_EXPIRES,
	LEASTCONN_A_COUNTED,

	__LEASTCONN_A_MAX,
	LEASTCONN_A_MAX = __LEASTCONN_A_MAX - 1
};

#endif /* _UAPI_LINUX_LEASTCONN_H */
