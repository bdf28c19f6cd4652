// SPDX-License-Identifier: GPL-2.0-only
/*
 * rawrule: LEASTCONN rules that no honest front end would send.
 *
 *	rawrule legacy|nft 4|6 CASE...
 *	rawrule legacy|nft 4|6 keep CASE
 *	rawrule legacy|nft 4|6 fuzz ROUNDS SEED [FROM]
 *
 * A case is one valid rule (two backends with ports, -p tcp, appended to
 * nat/PREROUTING) with mutations, "valid" or "NAME=VALUE[,NAME=VALUE...]":
 *	count, flags, backend-flags, pool, weight, max-fails, fail-timeout,
 *	slow-start, persistent, persistent-mask	what the field says
 *	backends=N		so many, all valid
 *	name=TEXT		of a pool, and no settings; 32 characters have no end
 *	name-byte=N		byte N of the name is 1
 *	address=ADDR		the first backend's
 *	address-byte=N		byte N of it is not zero
 *	duplicate=N		64 backends, the one at N is the first again
 *	byte=N			byte N of the array of backends is not zero
 *	padding=N		the byte behind that array
 *	proto=N, not-proto=N	the protocol that the rule matches, or does not
 *	told-proto=N		the protocol that the rule claims to match; it
 *				matches any (nft; legacy has it in IPv6 only)
 *	size=N, revision=N	of the target
 *	table=NAME, chain=NAME	where; a user chain must be there
 *	type=filter		in a chain of that type in the table (nft)
 * Prints a line for each:
 *	CASE EINVAL REASON	refused; what the kernel's log said of it, or -
 *	CASE 0 N clean|LEAK	accepted, N backends known, and what the kernel
 *				shows of the bytes that are its own; and taken
 *				away again unless told to keep
 * fuzz sends that many rules that dice mutate, the structure and its framing,
 * and compares the kernel's answers with what the header promises. A wrong one
 * is told with the number of its round; "fuzz 1 SEED NUMBER" is that one alone.
 * There must be the empty pool web, and no other; the tables filter, mangle and nat, in nat the chains from-pre
 * and from-post that only PREROUTING and only POSTROUTING jump to, and the
 * chain unused; and in nat/PREROUTING no rule of ours.
 * Exit status 0: all could be sent; 1: fuzz met a wrong answer; 2: could not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* ---- cases ---- */

static void set_proto(struct rule *rule, unsigned int proto, char how)
{
	rule->proto = proto;
	rule->inverted = how == 'n';
	rule->told = how == 't';
}

/* Without a zero byte at its end if it fills its room. */
static bool set_name(struct rule *rule, const char *text)
{
	if (strlen(text) > sizeof(rule->info.name))
		return false;
	memset(rule->info.name, 0, sizeof(rule->info.name));
	memcpy(rule->info.name, text, strlen(text));
	rule_set_no_settings(rule);
	return true;
}

static void set_duplicate(struct rule *rule, size_t at)
{
	struct xt_leastconn_backend *backends = rule->info.backends;

	rule_set_backends(rule, XT_LEASTCONN_MAX_BACKENDS);
	if (at >= XT_LEASTCONN_MAX_BACKENDS)
		die("no backend %zu", at);
	backends[at] = backends[0];
	/* The same with other attributes is the same. */
	backends[at].weight = 7;
}

static bool set_setting(struct rule *rule, const char *name, uint32_t number)
{
	if (!strcmp(name, "max-fails"))
		rule->info.max_fails = number;
	else if (!strcmp(name, "fail-timeout"))
		rule->info.fail_timeout = number;
	else if (!strcmp(name, "slow-start"))
		rule->info.slow_start = number;
	else if (!strcmp(name, "persistent"))
		rule->info.persistent = number;
	else if (!strcmp(name, "persistent-mask"))
		rule->info.persistent_mask = number;
	else
		return false;
	return true;
}

/* The mutations whose value is a number. */
static bool mutate_number(struct rule *rule, const char *name, const char *value)
{
	struct xt_leastconn_backend *backends = rule->info.backends;
	uint64_t number = strtoull(value, NULL, 0);

	if (!strcmp(name, "count"))
		rule->info.count = number;
	else if (!strcmp(name, "backends") && number <= XT_LEASTCONN_MAX_BACKENDS)
		rule_set_backends(rule, number);
	else if (!strcmp(name, "flags"))
		rule->info.flags = number;
	else if (!strcmp(name, "backend-flags"))
		backends[rule->info.count - 1].flags = number;
	else if (!strcmp(name, "weight"))
		backends[0].weight = number;
	else if (!strcmp(name, "pool"))
		memcpy(rule->bytes + USERSIZE, &number, sizeof(number));
	else if (!strcmp(name, "address-byte"))
		((unsigned char *)&backends[0].addr)[number % 16] = 1;
	else if (!strcmp(name, "name-byte"))
		rule->info.name[number % sizeof(rule->info.name)] = 1;
	else if (!strcmp(name, "byte"))
		((unsigned char *)backends)[number % sizeof(rule->info.backends)] = 1;
	else if (!strcmp(name, "padding"))
		((unsigned char *)backends)[sizeof(rule->info.backends)] = number;
	else if (!strcmp(name, "duplicate"))
		set_duplicate(rule, number);
	else if (!strcmp(name, "proto") || !strcmp(name, "not-proto") ||
		 !strcmp(name, "told-proto"))
		set_proto(rule, number, name[0]);
	else if (!strcmp(name, "revision"))
		rule->revision = number;
	else if (!strcmp(name, "size") && number <= MOST_INFO)
		rule->size = number;
	else
		return set_setting(rule, name, number);
	return true;
}

static bool mutate(struct rule *rule, const char *name, const char *value)
{
	struct xt_leastconn_backend *backend = &rule->info.backends[0];

	if (!strcmp(name, "table"))
		rule->table = value;
	else if (!strcmp(name, "chain"))
		rule->chain = value;
	else if (!strcmp(name, "type"))
		rule->type = value;
	else if (!strcmp(name, "name"))
		return set_name(rule, value);
	else if (!strcmp(name, "address"))
		return inet_pton(ipv6 ? AF_INET6 : AF_INET, value,
				 &backend->addr) == 1;
	else
		return mutate_number(rule, name, value);
	return true;
}

/* @text becomes the strings that the rule points to. */
static void mutated_rule(struct rule *rule, char *text)
{
	char *value, *word;

	rule_init(rule, 2);
	if (!strcmp(text, "valid"))
		return;
	while ((word = strsep(&text, ","))) {
		value = strchr(word, '=');
		if (!value)
			die("no value: %s", word);
		*value++ = '\0';
		if (!mutate(rule, word, value))
			die("no such mutation: %s=%s", word, value);
	}
}

/* ---- what the kernel says ---- */

static int kmsg = -1;

/* Forget what the log says so far. */
static void log_skip(void)
{
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0)
		die("/dev/kmsg: %m");
	lseek(kmsg, 0, SEEK_END);
}

/* The last line about us since log_skip(), or "-". */
static const char *log_line(void)
{
	static char line[8192];
	char buf[8192], *text;
	ssize_t len;

	strcpy(line, "-");
	while ((len = read(kmsg, buf, sizeof(buf) - 1)) > 0 || errno == EPIPE) {
		buf[len > 0 ? len : 0] = '\0';
		text = strchr(buf, ';');
		if (!text || !strstr(text, "LEASTCONN"))
			continue;
		text[strcspn(text, "\n")] = '\0';
		strcpy(line, text + 1);
	}
	return line;
}

/* Lines of our table without the heading. */
static unsigned int backends_known(void)
{
	FILE *file = fopen("/proc/self/net/leastconn", "r");
	unsigned int lines = 0;
	int c;

	if (!file)
		die("/proc/net/leastconn: %m");
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines - 1;
}

static void run_case(const struct door *door, const char *text, bool keep)
{
	static struct shown shown;
	static struct rule rule;
	char *copy = strdup(text);
	int err;

	mutated_rule(&rule, copy);
	log_skip();
	err = door->add(&rule);
	if (err) {
		printf("%s %s %s\n", text, strerrorname_np(err), log_line());
	} else {
		door->show(&rule, &shown);
		printf("%s 0 %u %s\n", text, backends_known(),
		       rule_is_clean(&rule, &shown) ? "clean" : "LEAK");
		if (!keep)
			door->remove(&rule, &shown);
	}
	free(copy);
}

static const struct door *door_by_name(const char *name)
{
	static const struct door *const doors[] = { &legacy_door, &nft_door };

	for (size_t i = 0; i < ARRAY_SIZE(doors); i++)
		if (!strcmp(doors[i]->name, name))
			return doors[i];
	die("no such door: %s", name);
}

int main(int argc, char **argv)
{
	const struct door *door;

	if (argc < 4)
		die("usage: rawrule legacy|nft 4|6 CASE...|keep CASE|fuzz ROUNDS SEED [FROM]");
	door = door_by_name(argv[1]);
	ipv6 = !strcmp(argv[2], "6");
	if (!strcmp(argv[3], "fuzz") && argc >= 6)
		return fuzz(door, strtoull(argv[5], NULL, 0),
			    argc > 6 ? strtoul(argv[6], NULL, 0) : 0,
			    strtoul(argv[4], NULL, 0));
	if (!strcmp(argv[3], "keep") && argc == 5) {
		run_case(door, argv[4], true);
		return 0;
	}
	for (int i = 3; i < argc; i++)
		run_case(door, argv[i], false);
	return 0;
}
