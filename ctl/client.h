/* SPDX-License-Identifier: GPL-2.0-only */
/* A client that a pool or rule with "persistent" remembers: its text form, its order. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "backend.h"

/* "ADDR6/128" */
#define CLIENT_STRLEN	(INET6_ADDRSTRLEN + sizeof("/128"))

/**
 * struct client - a client as the kernel reports it
 * @from: its address; only family and address are set
 * @prefix: length of the prefix of @from that identifies it
 * @service: address, port and protocol that it connects to
 * @backend: address, port and protocol of its backend
 * @expires: seconds left
 */
struct client {
	struct backend	from;
	uint32_t	prefix;
	struct backend	service;
	struct backend	backend;
	uint32_t	expires;
};

/**
 * struct clients - an array of clients
 * @at: the array
 * @count: clients in it
 * @room: clients allocated
 */
struct clients {
	struct client	*at;
	size_t		count;
	size_t		room;
};

void clients_add(struct clients *clients, const struct client *client);
void clients_free(struct clients *clients);

/* Sort by address, prefix and service. */
void clients_sort(struct clients *clients);

/* Write ADDR, or ADDR/LEN of a prefix, into @buf of CLIENT_STRLEN bytes. Return: @buf. */
const char *client_format(const struct client *client, char *buf);

#endif /* CTL_CLIENT_H */
