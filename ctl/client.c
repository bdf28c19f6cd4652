// SPDX-License-Identifier: GPL-2.0-only
/* A client that a pool or rule with "persistent" remembers: its text form, its order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "client.h"

void clients_add(struct clients *clients, const struct client *client)
{
	clients->at = array_grow(clients->at, &clients->room, clients->count,
				 sizeof(*clients->at));
	clients->at[clients->count++] = *client;
}

void clients_free(struct clients *clients)
{
	free(clients->at);
	memset(clients, 0, sizeof(*clients));
}

static int client_compare(const void *a, const void *b)
{
	const struct client *x = a, *y = b;
	int result = backend_compare(&x->from, &y->from);

	if (!result)
		result = (x->prefix > y->prefix) - (x->prefix < y->prefix);
	return result ? result : backend_compare(&x->service, &y->service);
}

void clients_sort(struct clients *clients)
{
	if (clients->count)
		qsort(clients->at, clients->count, sizeof(*clients->at),
		      client_compare);
}

const char *client_format(const struct client *client, char *buf)
{
	char addr[INET6_ADDRSTRLEN];

	address_format(&client->from, addr);
	if (client->prefix == 8 * address_size(client->from.family))
		strcpy(buf, addr);
	else
		snprintf(buf, CLIENT_STRLEN, "%s/%u", addr, client->prefix);
	return buf;
}
