// SPDX-License-Identifier: GPL-2.0-only
/*
 * The legacy door: a table as the socket options have it.
 *
 * Of struct ipt_getinfo, ipt_replace and ipt_get_entries there is only one
 * layout; entries have two.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "rule.h"

#define MOST_ENTRIES	(1 << 18)

struct table {
	struct ipt_getinfo	info;
	unsigned char		entries[MOST_ENTRIES];
};

/**
 * struct known - a table that is looked at once: nobody else changes it
 * @base: how it was found
 * @number: how many entries it has now
 * @size: of how many bytes
 */
struct known {
	struct table	base;
	unsigned int	number;
	unsigned int	size;
};

static struct known tables[3];

static int option_socket(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		die("socket: %m");
	return fd;
}

static int option_level(void)
{
	return ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

/* ---- entries ---- */

static size_t head_size(void)
{
	return ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
}

/* Where an entry's fields of two bytes are. */
static uint16_t *target_offset(unsigned char *entry)
{
	return (uint16_t *)(entry + (ipv6 ?
			    offsetof(struct ip6t_entry, target_offset) :
			    offsetof(struct ipt_entry, target_offset)));
}

static uint16_t *next_offset(unsigned char *entry)
{
	return (uint16_t *)(entry + (ipv6 ?
			    offsetof(struct ip6t_entry, next_offset) :
			    offsetof(struct ipt_entry, next_offset)));
}

static struct xt_entry_target *entry_target(unsigned char *entry)
{
	return (struct xt_entry_target *)(entry + *target_offset(entry));
}

#define for_each_entry(entry, table)					\
	for (entry = (table)->entries;					\
	     entry < (table)->entries + (table)->info.size;		\
	     entry += *next_offset(entry))

static void entry_match(unsigned char *entry, const struct rule *rule)
{
	struct ip6t_entry *e6 = (struct ip6t_entry *)entry;
	struct ipt_entry *e4 = (struct ipt_entry *)entry;

	if (!ipv6) {
		e4->ip.proto = rule->proto;
		e4->ip.invflags = rule->inverted ? IPT_INV_PROTO : 0;
		return;
	}
	e6->ipv6.proto = rule->proto;
	e6->ipv6.invflags = rule->inverted ? IP6T_INV_PROTO : 0;
	/* Without this the kernel does not look at the protocol. */
	if (rule->proto && !rule->told)
		e6->ipv6.flags = IP6T_F_PROTO;
}

/* The patches of the table's head, or of the entry. */
static void apply_patches(void *base, const struct rule *rule, bool head)
{
	const struct patch *patch;
	uint32_t value;

	for (patch = rule->patches; patch < rule->patches + rule->patched; patch++) {
		if (patch->head != head)
			continue;
		value = 0;
		memcpy(&value, base + patch->at, patch->width);
		value = patch->relative ? value + patch->value : patch->value;
		memcpy(base + patch->at, &value, patch->width);
	}
}

/* Return: the entry's length. */
static size_t make_entry(unsigned char *entry, const struct rule *rule)
{
	size_t target = sizeof(struct xt_entry_target) + rule->size;
	size_t len = head_size() + XT_ALIGN(target);
	struct xt_entry_target *t;

	memset(entry, 0, len);
	*target_offset(entry) = head_size();
	*next_offset(entry) = len;
	entry_match(entry, rule);
	t = entry_target(entry);
	t->u.user.target_size = target;
	t->u.user.revision = rule->revision;
	memcpy(t->u.user.name, rule->name, sizeof(t->u.user.name));
	memcpy(t->data, rule->bytes, rule->size);
	return len;
}

/* ---- tables ---- */

static void read_info(struct ipt_getinfo *info, const char *name)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	strncpy(info->name, name, sizeof(info->name) - 1);
	if (getsockopt(option_socket(), option_level(), IPT_SO_GET_INFO, info, &len))
		die("table %s: %m", name);
}

/* Of the table with that name and size. */
static void read_entries(struct table *table)
{
	socklen_t len = sizeof(struct ipt_get_entries) + table->info.size;
	struct ipt_get_entries *get = calloc(1, len);

	if (table->info.size > MOST_ENTRIES)
		die("table %s is too large", table->info.name);
	strcpy(get->name, table->info.name);
	get->size = table->info.size;
	if (getsockopt(option_socket(), option_level(), IPT_SO_GET_ENTRIES, get, &len))
		die("entries of %s: %m", table->info.name);
	memcpy(table->entries, get->entrytable, get->size);
	free(get);
}

static void copy_table(struct table *to, const struct table *from)
{
	to->info = from->info;
	memcpy(to->entries, from->entries, from->info.size);
}

static struct known *known_table(const char *name)
{
	struct known *known;

	for (known = tables; known < tables + ARRAY_SIZE(tables); known++) {
		if (!known->number)
			break;
		if (!strcmp(known->base.info.name, name))
			return known;
	}
	if (known == tables + ARRAY_SIZE(tables))
		die("one table too many: %s", name);
	read_info(&known->base.info, name);
	read_entries(&known->base);
	known->number = known->base.info.num_entries;
	known->size = known->base.info.size;
	return known;
}

/* Return: 0 or the errno. */
static int write_table(struct known *known, const struct table *table,
		       const struct rule *rule)
{
	static union {
		struct ipt_replace	replace;
		unsigned char		bytes[sizeof(struct ipt_replace) + MOST_ENTRIES];
	} option;
	struct ipt_replace *replace = &option.replace;
	struct xt_counters *counters = calloc(known->number, sizeof(*counters));
	int err = 0;

	memset(replace, 0, sizeof(*replace));
	strcpy(replace->name, table->info.name);
	replace->valid_hooks = table->info.valid_hooks;
	replace->num_entries = table->info.num_entries;
	replace->size = table->info.size;
	memcpy(replace->hook_entry, table->info.hook_entry,
	       sizeof(replace->hook_entry));
	memcpy(replace->underflow, table->info.underflow,
	       sizeof(replace->underflow));
	replace->num_counters = known->number;
	replace->counters = counters;
	memcpy(option.bytes + sizeof(*replace), table->entries, table->info.size);
	if (rule && rule->patched) {
		/* An old kernel may be told to read more: always the same. */
		memset(option.bytes + sizeof(*replace) + table->info.size, 0,
		       MOST_ENTRIES - table->info.size);
		apply_patches(replace, rule, true);
	}
	if (setsockopt(option_socket(), option_level(), IPT_SO_SET_REPLACE,
		       replace, sizeof(*replace) + table->info.size))
		err = errno;
	free(counters);
	return err;
}

/* Where a new last rule of the chain goes. */
static size_t chain_end(struct table *table, const struct rule *rule)
{
	unsigned char *entry, *before = NULL;
	const struct xt_error_target *error;
	int hook = rule_hook(rule);
	bool inside = false;

	if (hook != NO_HOOK) {
		if (!(table->info.valid_hooks & 1 << hook))
			die("table %s has no %s", rule->table, rule->chain);
		return table->info.underflow[hook];
	}
	for_each_entry(entry, table) {
		error = (const void *)entry_target(entry);
		if (!strcmp(error->target.u.user.name, XT_ERROR_TARGET)) {
			if (inside)
				return before - table->entries;
			inside = !strcmp(error->errorname, rule->chain);
		}
		before = entry;
	}
	die("no chain %s", rule->chain);
}

/* What points behind @at moves by @len; a jump to @at meets the new entry. */
static void shift(struct table *table, size_t at, size_t len)
{
	struct xt_standard_target *jump;
	unsigned char *entry;

	for_each_entry(entry, table) {
		jump = (struct xt_standard_target *)entry_target(entry);
		if (!jump->target.u.user.name[0] && jump->verdict > (int)at)
			jump->verdict += len;
	}
	for (int i = 0; i < NF_INET_NUMHOOKS; i++) {
		if (!(table->info.valid_hooks & 1 << i))
			continue;
		if (table->info.hook_entry[i] > at)
			table->info.hook_entry[i] += len;
		if (table->info.underflow[i] >= at)
			table->info.underflow[i] += len;
	}
}

static void insert(struct table *table, const struct rule *rule)
{
	static unsigned char entry[sizeof(struct ip6t_entry) + MOST_INFO + 64];
	size_t at = chain_end(table, rule);
	size_t len = make_entry(entry, rule);

	if (table->info.size + len > MOST_ENTRIES)
		die("table %s is too large", rule->table);
	shift(table, at, len);
	memmove(table->entries + at + len, table->entries + at,
		table->info.size - at);
	apply_patches(entry, rule, false);
	memcpy(table->entries + at, entry, len);
	table->info.size += len;
	table->info.num_entries++;
}

/* ---- the door ---- */

/* What was accepted with patches is what the kernel says it is. */
static void legacy_now(struct known *known, const struct rule *rule,
		       const struct table *table)
{
	struct ipt_getinfo info = table->info;

	if (rule && rule->patched)
		read_info(&info, rule->table);
	known->number = info.num_entries;
	known->size = info.size;
}

/* In the place of one that was added and not removed. */
static int legacy_add(const struct rule *rule)
{
	struct known *known = known_table(rule->table);
	static struct table after;
	int err;

	copy_table(&after, &known->base);
	insert(&after, rule);
	err = write_table(known, &after, rule);
	if (!err)
		legacy_now(known, rule, &after);
	return err;
}

static void legacy_show(const struct rule *rule, struct shown *shown)
{
	struct known *known = known_table(rule->table);
	struct xt_entry_target *target;
	static struct table table;

	table.info = known->base.info;
	table.info.size = known->size;
	read_entries(&table);
	/* The chain ends where the new rule, its last one, does. */
	target = entry_target(table.entries + chain_end(&known->base, rule));
	if (strcmp(target->u.user.name, "LEASTCONN"))
		die("the accepted rule is not where it was put");
	shown->size = target->u.user.target_size - sizeof(*target);
	memcpy(shown->bytes, target->data, shown->size);
}

static void restore(struct known *known)
{
	int err = write_table(known, &known->base, NULL);

	if (err)
		die("cannot restore the table: %s", strerror(err));
	legacy_now(known, NULL, &known->base);
}

static void legacy_remove(const struct rule *rule,
			  const struct shown *shown __attribute__((unused)))
{
	restore(known_table(rule->table));
}

/* One that was accepted goes when the next one is. */
static void legacy_try(struct trial *trials, unsigned int count)
{
	static struct shown shown;
	struct trial *trial;

	for (trial = trials; trial < trials + count; trial++) {
		trial->err = legacy_add(&trial->rule);
		trial->clean = !trial->err;
		if (trial->err)
			continue;
		rule_meets_packets(&trial->rule);
		/* Who knows where a patched one is. */
		if (trial->rule.patched) {
			legacy_remove(&trial->rule, NULL);
			continue;
		}
		legacy_show(&trial->rule, &shown);
		trial->clean = rule_is_clean(&trial->rule, &shown);
	}
}

static void legacy_finish(void)
{
	struct known *known;

	for (known = tables; known < tables + ARRAY_SIZE(tables); known++)
		if (known->number != known->base.info.num_entries)
			restore(known);
}

const struct door legacy_door = {
	.name	= "legacy",
	.add	= legacy_add,
	.show	= legacy_show,
	.remove	= legacy_remove,
	.try	= legacy_try,
	.finish	= legacy_finish,
};
