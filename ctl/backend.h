/* SPDX-License-Identifier: GPL-2.0-only */
/* A backend: its text form and its order. */
#ifndef CTL_BACKEND_H
#define CTL_BACKEND_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "[ADDR6]:PORT" */
#define BACKEND_STRLEN	(INET6_ADDRSTRLEN + sizeof("[]:65535"))

#define MAX_WEIGHT	65535
#define DEFAULT_WEIGHT	1

/**
 * struct backend - a backend as the kernel reports it
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @addr: address in network order; for IPv4 the other 12 bytes are zero
 * @port: in host order; 0: all ports of the address
 * @proto: IPPROTO_TCP etc.; 0 when the port is 0
 * @in_group: reported as a member of a pool or rule; otherwise @weight,
 *	@max_conns, @backup, @health, @reason and @counted are not known
 * @weight: share of new connections
 * @max_conns: limit of @counted; 0: no limit
 * @backup: used only when no ordinary backend can take a connection
 * @state: &enum leastconn_state
 * @health: &enum leastconn_health in the pool or rule
 * @reason: &enum leastconn_reason of the ejection from the pool or rule
 * @active: live connections
 * @counted: connections that count towards @max_conns
 * @inactive: closed TCP connections that still have a conntrack entry
 * @total: connections since the backend is known
 * @fails: failed connections since the backend is known
 */
struct backend {
	uint32_t	family;
	uint8_t		addr[sizeof(struct in6_addr)];
	uint32_t	port;
	uint32_t	proto;
	bool		in_group;
	uint32_t	weight;
	uint32_t	max_conns;
	bool		backup;
	uint32_t	state;
	uint32_t	health;
	uint32_t	reason;
	uint32_t	active;
	uint32_t	counted;
	uint32_t	inactive;
	uint64_t	total;
	uint32_t	fails;
};

/* Bytes in an address of the family; 0: unknown family. */
size_t address_size(uint32_t family);

/*
 * Write ADDR, ADDR:PORT, ADDR6 or [ADDR6]:PORT into @buf, which has
 * BACKEND_STRLEN bytes; address_format() writes the address only and needs
 * INET6_ADDRSTRLEN bytes. Return: @buf.
 */
const char *backend_format(const struct backend *backend, char *buf);
const char *address_format(const struct backend *backend, char *buf);

/* Compare family, address, port and protocol, as qsort() wants it. */
int backend_compare(const void *a, const void *b);

/* Return: true if max-conns allows no more connections. */
bool backend_is_full(const struct backend *backend);

/* Protocol 0 is "any"; a number without a name is printed as a number. */
const char *proto_name(uint32_t proto);
bool proto_number(const char *name, uint32_t *proto);

const char *state_name(uint32_t state);
bool state_number(const char *name, uint32_t *state);

const char *health_name(uint32_t health);
const char *reason_name(uint32_t reason);

/* The state; of a ready backend that its pool has ejected, the health. */
const char *backend_state(const struct backend *backend);

/* The reason of the ejection; NULL if backend_state() is not the health. */
const char *backend_reason(const struct backend *backend);

const char *family_name(uint32_t family);

#endif /* CTL_BACKEND_H */
