/* SPDX-License-Identifier: GPL-2.0-only */
/* A backend: how it is written, what it is compared by. */
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
 * struct backend - what the kernel says of one
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @addr: in network order; what IPv4 leaves free is zero
 * @port: in host order; 0: the whole address
 * @proto: IPPROTO_TCP etc.; 0 when the port is 0
 * @has_terms: the next three, of a pool or rule, are known
 * @weight: share
 * @max_conns: most active connections; 0: no limit
 * @backup: used only when no ordinary backend can take a connection
 * @state: &enum leastconn_state
 * @health: &enum leastconn_health, in a pool or rule
 * @reason: &enum leastconn_reason, of its ejection there
 * @active: live connections
 * @inactive: closed TCP connections that are not gone yet
 * @total: connections ever
 * @fails: of them those that failed
 */
struct backend {
	uint32_t	family;
	uint8_t		addr[sizeof(struct in6_addr)];
	uint32_t	port;
	uint32_t	proto;
	bool		has_terms;
	uint32_t	weight;
	uint32_t	max_conns;
	bool		backup;
	uint32_t	state;
	uint32_t	health;
	uint32_t	reason;
	uint32_t	active;
	uint32_t	inactive;
	uint64_t	total;
	uint32_t	fails;
};

/* Bytes in an address of the family; 0: there is no such family. */
size_t address_size(uint32_t family);

/* ADDR, ADDR:PORT, ADDR6 or [ADDR6]:PORT, into @buf; no brackets for @addr. */
const char *backend_format(const struct backend *backend, char *buf);
const char *address_format(const struct backend *backend, char *buf);

/* By what identifies a backend, for qsort() too. */
int backend_compare(const void *a, const void *b);

bool backend_full(const struct backend *backend);

/* "any" is protocol 0; what has no name is a number. */
const char *proto_name(uint32_t proto);
bool proto_number(const char *name, uint32_t *proto);

const char *state_name(uint32_t state);
bool state_number(const char *name, uint32_t *state);

const char *health_name(uint32_t health);
const char *reason_name(uint32_t reason);

/* Its state, or, as long as that is ready, what its pool thinks of it. */
const char *backend_state(const struct backend *backend);

/* Why it is ejected; NULL where that is not what backend_state() says. */
const char *backend_reason(const struct backend *backend);

const char *family_name(uint32_t family);

#endif /* CTL_BACKEND_H */
