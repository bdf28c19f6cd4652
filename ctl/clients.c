// SPDX-License-Identifier: GPL-2.0-only
/* The command clients: list or forget the clients that persistence remembers. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "attr.h"
#include "change.h"
#include "client.h"
#include "command.h"
#include "dump.h"
#include "nl.h"
#include "parse.h"
#include "request.h"

static void read_client(const struct nlmsghdr *nlh, void *data)
{
	struct client client;
	struct attrs attrs;

	attrs_read(nlh, &attrs);
	if (attrs_client(&attrs, &client))
		clients_add(data, &client);
}

static void reset_clients(void *data)
{
	clients_free(data);
}

static void clients_take(struct clients *clients, const char *pool)
{
	const struct change filter = { .given = GIVEN_POOL, .pool = pool };
	const struct dump dump = {
		.cmd	= LEASTCONN_CMD_GET_CLIENTS,
		.filter	= pool ? &filter : NULL,
		.reader	= read_client,
		.reset	= reset_clients,
		.data	= clients,
	};
	struct nl *nl = nl_open();

	dump_run(&dump, nl, pool);
	nl_close(nl);
	clients_sort(clients);
}

/**
 * struct cells - the texts of a row
 * @client: the client
 * @service: the address and port that it connects to
 * @backend: its backend
 */
struct cells {
	char	client[CLIENT_STRLEN];
	char	service[BACKEND_STRLEN];
	char	backend[BACKEND_STRLEN];
};

static void format_cells(const struct client *client, struct cells *cells)
{
	client_format(client, cells->client);
	backend_format(&client->service, cells->service);
	backend_format(&client->backend, cells->backend);
}

static void widen(int *width, const char *text)
{
	int length = strlen(text);

	if (length > *width)
		*width = length;
}

static void print_table(FILE *out, const struct clients *clients)
{
	int client = strlen("Client"), service = strlen("Service");
	int backend = strlen("Backend");
	struct cells cells;
	size_t i;

	for (i = 0; i < clients->count; i++) {
		format_cells(&clients->at[i], &cells);
		widen(&client, cells.client);
		widen(&service, cells.service);
		widen(&backend, cells.backend);
	}
	if (clients->count)
		fprintf(out, "%-*s  %-*s  %-7s  %-*s  %s\n", client, "Client",
			service, "Service", "Proto", backend, "Backend", "Seconds");
	for (i = 0; i < clients->count; i++) {
		format_cells(&clients->at[i], &cells);
		fprintf(out, "%-*s  %-*s  %-7s  %-*s  %7u\n", client,
			cells.client, service, cells.service,
			proto_name(clients->at[i].service.proto), backend,
			cells.backend, clients->at[i].expires);
	}
}

static void print_endpoint(FILE *out, const char *name,
			   const struct backend *endpoint)
{
	char addr[INET6_ADDRSTRLEN];

	fprintf(out, "\"%s\": {\"address\": \"%s\", \"port\": %u, \"proto\": \"%s\"}, ",
		name, address_format(endpoint, addr), endpoint->port,
		proto_name(endpoint->proto));
}

static void print_json(FILE *out, const struct clients *clients)
{
	char addr[INET6_ADDRSTRLEN];
	const struct client *client;
	size_t i;

	fputs("{\n  \"clients\": [", out);
	for (i = 0; i < clients->count; i++) {
		client = &clients->at[i];
		fprintf(out, "%s\n    {\"family\": \"%s\", \"address\": \"%s\", \"prefix\": %u, ",
			i ? "," : "", family_name(client->from.family),
			address_format(&client->from, addr), client->prefix);
		print_endpoint(out, "service", &client->service);
		print_endpoint(out, "backend", &client->backend);
		fprintf(out, "\"expires\": %u}", client->expires);
	}
	fprintf(out, "%s]\n}\n", clients->count ? "\n  " : "");
}

static enum status clients_flush(char **words)
{
	struct parse_error error;
	struct nl_error nl_error;
	struct change filter;
	struct request request;
	struct nl *nl;

	memset(&filter, 0, sizeof(filter));
	if (words[0] && !parse_client(words[0], &filter, &error))
		die_usage("%s", error.text);
	if (words[0] && words[1])
		die_usage("unexpected \"%s\"; usage: clients flush [POOL | CLIENT]",
			  words[1]);
	nl = nl_open();
	request_init(&request, LEASTCONN_CMD_FLUSH_CLIENTS);
	request_add_filter(&request, &filter);
	if (!nl_transact(nl, &request, NULL, NULL, &nl_error))
		die("clients flush%s%s: %s", words[0] ? " " : "",
		    words[0] ? words[0] : "", nl_error_text(&nl_error));
	request_free(&request);
	nl_close(nl);
	return STATUS_OK;
}

/* clients [POOL] [--json], or clients flush [POOL | CLIENT] */
enum status run_clients(char **words)
{
	struct clients clients = { 0 };
	const char *pool = NULL;
	bool json = false;

	if (words[0] && strcmp(words[0], "flush") == 0)
		return clients_flush(words + 1);
	for (; *words; words++) {
		if (strcmp(*words, "--json") == 0)
			json = true;
		else
			pool = args_pool(*words, pool);
	}
	clients_take(&clients, pool);
	if (json)
		print_json(stdout, &clients);
	else
		print_table(stdout, &clients);
	clients_free(&clients);
	return STATUS_OK;
}
