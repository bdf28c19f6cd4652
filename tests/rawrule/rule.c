// SPDX-License-Identifier: GPL-2.0-only
/*
 * The valid rule, and what can be said of any.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rule.h"

bool ipv6;

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "rawrule: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

static void set_backend(struct xt_leastconn_backend *backend, unsigned int at)
{
	memset(backend, 0, sizeof(*backend));
	if (ipv6) {
		backend->addr.ip6[0] = htonl(0xfd000001);
		backend->addr.ip6[3] = htonl(at + 1);
	} else {
		backend->addr.ip = htonl(0x0a000100 + at + 1);
	}
	backend->weight = 1;
	backend->port = htons(80);
}

void rule_add_backends(struct rule *rule, unsigned int backends)
{
	for (unsigned int i = rule->backends; i < backends; i++)
		set_backend(&rule->info.backends[i], i);
	rule->info.count = backends;
	rule->backends = backends;
}

void rule_set_backends(struct rule *rule, unsigned int backends)
{
	memset(rule->info.backends, 0, sizeof(rule->info.backends));
	rule->backends = 0;
	rule_add_backends(rule, backends);
}

/* Those that a rule has which is given none. */
static void set_settings(struct rule *rule)
{
	rule->info.fail_timeout = XT_LEASTCONN_FAIL_TIMEOUT;
	rule->info.persistent_mask = ipv6 ? 128 : 32;
}

/* As beside a pool's name. */
void rule_set_no_settings(struct rule *rule)
{
	rule->info.flags = 0;
	rule->info.max_fails = 0;
	rule->info.fail_timeout = 0;
	rule->info.slow_start = 0;
	rule->info.persistent = 0;
	rule->info.persistent_mask = 0;
}

void rule_init(struct rule *rule, unsigned int backends)
{
	/* What is behind the structure is zero, and nobody changes it. */
	memset(&rule->info, 0, sizeof(rule->info));
	memset(&rule->size, 0, sizeof(*rule) - offsetof(struct rule, size));
	set_settings(rule);
	rule_set_backends(rule, backends);
	rule->size = sizeof(rule->info);
	strcpy(rule->name, "LEASTCONN");
	rule->name_len = sizeof("LEASTCONN");
	rule->proto = IPPROTO_TCP;
	rule->table = "nat";
	rule->chain = "PREROUTING";
}

static const char *const chain_of_hook[NF_INET_NUMHOOKS] = {
	[NF_INET_PRE_ROUTING]	= "PREROUTING",
	[NF_INET_LOCAL_IN]	= "INPUT",
	[NF_INET_FORWARD]	= "FORWARD",
	[NF_INET_LOCAL_OUT]	= "OUTPUT",
	[NF_INET_POST_ROUTING]	= "POSTROUTING",
};

int rule_hook(const struct rule *rule)
{
	if (rule->type)
		return NF_INET_PRE_ROUTING;
	for (int i = 0; i < NF_INET_NUMHOOKS; i++)
		if (!strcmp(chain_of_hook[i], rule->chain))
			return i;
	return NO_HOOK;
}

/* As much as user space may see, as it was sent, and nothing more. */
bool rule_is_clean(const struct rule *rule, const struct shown *shown)
{
	if (shown->size < USERSIZE ||
	    memcmp(shown->bytes, rule->bytes, USERSIZE))
		return false;
	for (size_t i = USERSIZE; i < shown->size; i++)
		if (shown->bytes[i])
			return false;
	return true;
}

static void send_packet(int type)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_port = htons(9) };
	struct sockaddr_in to4 = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons(9) };
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket: %m");
	/* What becomes of it is the rule's business. */
	if (!connect(fd, ipv6 ? (void *)&to6 : (void *)&to4,
		     ipv6 ? sizeof(to6) : sizeof(to4)))
		(void)!write(fd, "x", 1);
	close(fd);
}

/* A rule that was accepted is used, where what we send gets to it. */
void rule_meets_packets(const struct rule *rule)
{
	if (strcmp(rule->chain, "OUTPUT"))
		return;
	send_packet(SOCK_STREAM);
	send_packet(SOCK_DGRAM);
}
