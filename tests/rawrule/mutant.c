// SPDX-License-Identifier: GPL-2.0-only
/*
 * A valid rule with one to four mutations; which ones is up to the dice. Seed
 * and round decide alone: a round is the same whatever was before it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "../dice.h"
#include "fuzz.h"

#define MAX	XT_LEASTCONN_MAX_BACKENDS

/* One of the special values, or any. */
#define special(array)	(dice(3) ? one_of(array) : dice_number())

static void __attribute__((format(printf, 2, 3)))
say(struct rule *rule, const char *fmt, ...)
{
	size_t len = strlen(rule->said);
	va_list args;

	va_start(args, fmt);
	vsnprintf(rule->said + len, sizeof(rule->said) - len, fmt, args);
	va_end(args);
}

/* ---- the structure ---- */

static unsigned int any_backend(const struct rule *rule)
{
	return dice(rule->backends);
}

static void mutate_count(struct rule *rule)
{
	const uint32_t counts[] = { 0, 1, 2, 63, 64, 65, 1U << 31, -1U,
				    rule->backends - 1, rule->backends + 1 };

	rule->info.count = special(counts);
	say(rule, " count=%u", rule->info.count);
}

/* It would begin where the kernel has its pool. */
static void mutate_one_too_many(struct rule *rule)
{
	uint64_t pool = 1 + dice(1U << 31);

	rule_add_backends(rule, MAX);
	rule->info.count = MAX + 1;
	memcpy(rule->bytes + USERSIZE, &pool, sizeof(pool));
	say(rule, " count=%u of %u pool=%#llx", MAX + 1, MAX,
	    (unsigned long long)pool);
}

static uint32_t any_flags(void)
{
	const uint32_t flags[] = { 0, 1, 2, 3, 1U << dice(32), -1U };

	return special(flags);
}

static void mutate_flags(struct rule *rule)
{
	rule->info.flags = any_flags();
	say(rule, " flags=%#x", rule->info.flags);
}

static void mutate_backend_flags(struct rule *rule)
{
	unsigned int at = any_backend(rule);

	rule->info.backends[at].flags = dice(3) ? dice(2) : any_flags();
	say(rule, " [%u].flags=%#x", at, rule->info.backends[at].flags);
}

/* One of the numbers that are the rule's own. */
static void mutate_setting(struct rule *rule)
{
	static const uint32_t numbers[] = { 0, 1, 2, 10, 24, 32, 33, 64, 128, 129,
					    604799, 604800, 604801, 1U << 31,
					    -1U };
	struct {
		const char	*name;
		uint32_t	*at;
	} settings[] = {
		{ "max_fails", &rule->info.max_fails },
		{ "fail_timeout", &rule->info.fail_timeout },
		{ "slow_start", &rule->info.slow_start },
		{ "persistent", &rule->info.persistent },
		{ "persistent_mask", &rule->info.persistent_mask },
	};
	unsigned int at = dice(ARRAY_SIZE(settings));

	*settings[at].at = special(numbers);
	say(rule, " %s=%u", settings[at].name, *settings[at].at);
}

static void mutate_weight(struct rule *rule)
{
	const uint16_t weights[] = { 0, 1, 2, 32767, 32768, 65534, 65535 };
	unsigned int at = any_backend(rule);

	rule->info.backends[at].weight = special(weights);
	say(rule, " [%u].weight=%u", at, rule->info.backends[at].weight);
}

static void mutate_max_conns(struct rule *rule)
{
	const uint32_t caps[] = { 0, 1, 2, 65535, 65536, (1U << 31) - 1,
				  1U << 31, -2U, -1U };
	unsigned int at = any_backend(rule);

	rule->info.backends[at].max_conns = special(caps);
	say(rule, " [%u].max_conns=%u", at, rule->info.backends[at].max_conns);
}

static void mutate_port(struct rule *rule)
{
	const uint16_t ports[] = { 0, 0, 1, 80, 65535 };
	unsigned int at = any_backend(rule);

	rule->info.backends[at].port = htons(special(ports));
	say(rule, " [%u].port=%u", at, ntohs(rule->info.backends[at].port));
}

/* What is of the other family fills the sixteen bytes with its own. */
static const char *const addresses[] = {
	"0.0.0.0", "0.0.0.1", "10.0.1.1", "10.0.1.255", "127.0.0.1",
	"169.254.1.1", "223.255.255.255", "224.0.0.0", "224.0.0.1",
	"239.255.255.255", "240.0.0.1", "255.255.255.254", "255.255.255.255",
	"::", "::1", "::10.0.0.1", "::ffff:0.0.0.0", "::ffff:10.0.0.1",
	"::ffff:255.255.255.255", "64:ff9b::1", "2001:db8::1", "fd00:1::1",
	"fe80::1", "feff:ffff::1", "ff00::", "ff02::1", "ffff::",
};

static void mutate_address(struct rule *rule)
{
	unsigned int at = any_backend(rule);
	union nf_inet_addr *addr = &rule->info.backends[at].addr;
	const char *text = one_of(addresses);

	if (!dice(6)) {
		for (int i = 0; i < (ipv6 ? 4 : 1); i++)
			addr->all[i] = dice_number();
		say(rule, " [%u].addr=%08x...", at, ntohl(addr->all[0]));
		return;
	}
	inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, addr);
	say(rule, " [%u].addr=%s", at, text);
}

static void mutate_address_byte(struct rule *rule)
{
	unsigned int at = any_backend(rule), byte = 4 + dice(12);
	uint8_t value = dice_number();

	((uint8_t *)&rule->info.backends[at].addr)[byte] = value;
	say(rule, " [%u].addr[%u]=%#x", at, byte, value);
}

/* Next to each other, at both ends, or anywhere. */
static void mutate_duplicate(struct rule *rule)
{
	struct xt_leastconn_backend *backends = rule->info.backends;
	unsigned int from = dice(2) ? 0 : any_backend(rule);
	unsigned int at = dice(2) ? rule->backends - 1 : any_backend(rule);
	const char *what = "";

	if (rule->backends < MAX && (at == from || !dice(3))) {
		at = rule->backends++;
		if (rule->info.count == at)
			rule->info.count++;
	}
	backends[at] = backends[from];
	switch (dice(3)) {
	case 0:
		backends[at].port ^= htons(1 + dice(2));
		what = " but its port";
		break;
	case 1:
		backends[at].weight ^= 1;
		backends[at].max_conns++;
		backends[at].flags ^= XT_LEASTCONN_BACKUP;
		what = " but its attributes";
		break;
	}
	say(rule, " [%u]=[%u]%s", at, from, what);
}

/* Right behind them, the very last one, or anywhere there. */
static void mutate_rest(struct rule *rule)
{
	const size_t first = rule->backends * sizeof(rule->info.backends[0]);
	const size_t rest = sizeof(rule->info.backends) - first;
	const uint8_t value = 1 << dice(8);
	size_t at;

	if (!rest)
		return;
	switch (dice(3)) {
	case 0:
		at = 0;
		break;
	case 1:
		at = rest - 1;
		break;
	default:
		at = dice(rest);
		break;
	}
	((uint8_t *)rule->info.backends)[first + at] = value;
	say(rule, " rest[%zu]=%#x", at, value);
}

/* Good or not, there or not. */
static void mutate_name(struct rule *rule)
{
	static const char *const pools[] = { POOL, POOL, "we", "web2", "Web", "-",
					     "A-Za-z0-9_.-", "" };
	char *name = rule->info.name;
	const size_t size = sizeof(rule->info.name);
	const char *pool = one_of(pools);
	const char *what = "";
	unsigned int at;

	memset(name, 0, size);
	memcpy(name, pool, strlen(pool));
	switch (dice(6)) {
	case 0:
		at = strlen(pool) + dice(size - strlen(pool));
		name[at] = dice(2) ? 'x' : dice_number();
		what = " and something behind it";
		break;
	case 1:
		for (at = strlen(pool); at < size; at++)
			name[at] = 'x';
		what = " without an end";
		break;
	case 2:
		for (at = strlen(pool); at < size - 1; at++)
			name[at] = 'x';
		what = " up to its end";
		break;
	case 3:
		name[dice(strlen(pool) + 1)] = dice_number();
		what = " with any byte";
		break;
	}
	say(rule, " pool=\"%.*s\"%s", (int)size, name, what);
	/* Most of the time without backends. What comes next finds one. */
	if (!dice(4))
		return;
	if (dice(8))
		rule_set_no_settings(rule);
	rule_set_backends(rule, 1);
	memset(rule->info.backends, 0, sizeof(rule->info.backends));
	rule->info.count = 0;
	say(rule, " alone");
}

static void mutate_pool(struct rule *rule)
{
	const uint64_t pools[] = { 1, -1ULL, dice_number(),
				   0xffff888000000000ULL | (dice_number() & 0xfffffff8),
				   0xffffffffc0000000ULL | (dice_number() & 0xfffff8),
				   0xdead000000000100ULL };
	uint64_t pool = one_of(pools);

	memcpy(rule->bytes + USERSIZE, &pool, sizeof(pool));
	say(rule, " pool=%#llx", (unsigned long long)pool);
}

/* Half of the time in what is used. */
static void mutate_byte(struct rule *rule)
{
	size_t used = offsetof(struct xt_leastconn_tginfo, backends) +
		rule->backends * sizeof(rule->info.backends[0]);
	size_t at = dice(dice(2) ? used : sizeof(rule->info));

	dice_mutate(&rule->bytes[at]);
	say(rule, " byte[%zu]=%#x", at, rule->bytes[at]);
}

static void (*const of_structure[])(struct rule *rule) = {
	mutate_count, mutate_one_too_many, mutate_flags, mutate_backend_flags,
	mutate_setting, mutate_setting, mutate_weight, mutate_max_conns, mutate_port, mutate_address,
	mutate_address_byte, mutate_duplicate, mutate_rest, mutate_name,
	mutate_pool, mutate_byte,
};

/* ---- its framing ---- */

static void frame_size(struct rule *rule)
{
	const size_t sizes[] = { 0, 1, 8, USERSIZE - 1, USERSIZE, USERSIZE + 1,
				 USERSIZE + 7, sizeof(rule->info) + 1,
				 sizeof(rule->info) + 8, sizeof(rule->info) * 2,
				 32768, MOST_INFO, dice(MOST_INFO) };

	rule->size = one_of(sizes);
	say(rule, " size=%zu", rule->size);
}

static void frame_revision(struct rule *rule)
{
	rule->revision = dice(2) ? 1U << dice(8) : dice(256);
	say(rule, " revision=%u", rule->revision);
}

static void frame_proto(struct rule *rule)
{
	const uint8_t with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP,
				       IPPROTO_SCTP, IPPROTO_UDPLITE };

	rule->proto = dice(3) ? dice(256) : one_of(with_ports);
	rule->inverted = !dice(4);
	rule->told = !dice(4);
	say(rule, " %sproto=%s%u", rule->told ? "told-" : "",
	    rule->inverted ? "!" : "", rule->proto);
	if (dice(2))
		return;
	for (unsigned int i = 0; i < rule->backends; i++)
		rule->info.backends[i].port = 0;
	say(rule, " no ports");
}

/* Those that nft alone has are the last. */
static const struct {
	const char	*table;
	const char	*chain;
	const char	*type;
} places[] = {
	{ "nat", "OUTPUT", NULL }, { "nat", "OUTPUT", NULL },
	{ "nat", "from-pre", NULL }, { "nat", "unused", NULL },
	{ "nat", "from-post", NULL },
	{ "nat", "INPUT", NULL }, { "nat", "POSTROUTING", NULL },
	{ "filter", "INPUT", NULL }, { "filter", "FORWARD", NULL },
	{ "filter", "OUTPUT", NULL },
	{ "mangle", "PREROUTING", NULL }, { "mangle", "OUTPUT", NULL },
	{ "mangle", "POSTROUTING", NULL },
	{ "nat", "nowhere", NULL }, { "nat", "PREROUTING", "filter" },
	{ "NAT", "PREROUTING", NULL }, { "na", "OUTPUT", NULL },
	{ "nat2", "PREROUTING", NULL },
};

#define NFT_PLACES	5

static void frame_place_among(struct rule *rule, unsigned int count)
{
	unsigned int at = dice(count);

	rule->table = places[at].table;
	rule->chain = places[at].chain;
	rule->type = places[at].type;
	say(rule, " %s/%s%s%s", rule->table, rule->chain,
	    rule->type ? " of type " : "", rule->type ?: "");
}

static void frame_place(struct rule *rule)
{
	frame_place_among(rule, ARRAY_SIZE(places) - NFT_PLACES);
}

static void frame_nft_place(struct rule *rule)
{
	frame_place_among(rule, ARRAY_SIZE(places));
}

static const char *const names[] = {
	"", "leastconn", "LeastConn", "LEASTCON", "LEASTCONN2", "LEASTCONN ",
	" LEASTCONN", "ERROR", "DNAT", "LEASTCONNLEASTCONNLEASTCONNX",
};

/* Another one, no end, or something behind the end. */
static void frame_name(struct rule *rule)
{
	const size_t len = sizeof("LEASTCONN");
	const char *name = one_of(names);

	switch (dice(3)) {
	case 0:
		memset(rule->name, 0, sizeof(rule->name));
		memcpy(rule->name, name, strlen(name));
		rule->name_len = strlen(name) + dice(2);
		break;
	case 1:
		memset(rule->name + len - 1, 'A' + dice(26),
		       sizeof(rule->name) - len + 1);
		rule->name_len = sizeof(rule->name) - dice(20);
		break;
	default:
		memset(rule->name + len, 1 + dice(255),
		       sizeof(rule->name) - len);
		rule->name_len = sizeof(rule->name);
		break;
	}
	say(rule, " name=\"%.*s\" of %zu", (int)sizeof(rule->name), rule->name,
	    rule->name_len);
}

/* ---- legacy: offsets and sizes ---- */

static const struct {
	const char	*name;
	bool		head;
	unsigned int	width;
	size_t		at4;
	size_t		at6;
} fields[] = {
#define ENTRY(field, width)						\
	{ #field, false, width, offsetof(struct ipt_entry, field),	\
	  offsetof(struct ip6t_entry, field) }
#define HEAD(field)							\
	{ #field, true, 4, offsetof(struct ipt_replace, field),		\
	  offsetof(struct ipt_replace, field) }
	ENTRY(target_offset, 2), ENTRY(next_offset, 2), ENTRY(comefrom, 4),
	ENTRY(nfcache, 4), ENTRY(elems, 2),
	HEAD(valid_hooks), HEAD(num_entries), HEAD(size), HEAD(num_counters),
	HEAD(hook_entry[NF_INET_PRE_ROUTING]),
	HEAD(hook_entry[NF_INET_LOCAL_IN]),
	HEAD(hook_entry[NF_INET_FORWARD]),
	HEAD(hook_entry[NF_INET_LOCAL_OUT]),
	HEAD(hook_entry[NF_INET_POST_ROUTING]),
	HEAD(underflow[NF_INET_PRE_ROUTING]),
	HEAD(underflow[NF_INET_LOCAL_IN]),
	HEAD(underflow[NF_INET_FORWARD]),
	HEAD(underflow[NF_INET_LOCAL_OUT]),
	HEAD(underflow[NF_INET_POST_ROUTING]),
#undef ENTRY
#undef HEAD
};

/* Any of them may be asked for as memory: little, or more than is allowed. */
static uint32_t any_offset(void)
{
	const uint32_t values[] = { 0, 1, 2, 8, 0x7fff, 0x8000, 0xfff8, 0xffff,
				    1U << 31, -8U, -1U, dice(4096) * 8,
				    dice(1 << 20), (1U << 29) + dice(1U << 31) };

	return one_of(values);
}

static int any_step(const struct rule *rule)
{
	const int steps[] = { 1, 2, 4, 8, 16, 32, sizeof(struct ipt_entry),
			      sizeof(struct ip6t_entry), rule->size };

	return dice(2) ? one_of(steps) : -one_of(steps);
}

static void frame_field(struct rule *rule)
{
	unsigned int at = dice(ARRAY_SIZE(fields));
	struct patch *patch = &rule->patches[rule->patched++];

	patch->head = fields[at].head;
	patch->width = fields[at].width;
	patch->at = ipv6 ? fields[at].at6 : fields[at].at4;
	patch->relative = dice(2);
	patch->value = patch->relative ? (uint32_t)any_step(rule) : any_offset();
	if (patch->relative)
		say(rule, " %s%+d", fields[at].name, (int)patch->value);
	else
		say(rule, " %s=%u", fields[at].name, patch->value);
}

/* The matched addresses and interfaces too, and what the target says it is. */
static void frame_entry_byte(struct rule *rule)
{
	struct patch *patch = &rule->patches[rule->patched++];

	patch->width = 1;
	patch->at = dice((ipv6 ? sizeof(struct ip6t_entry) :
			  sizeof(struct ipt_entry)) + 2);
	patch->value = dice(256);
	say(rule, " entry[%zu]=%#x", patch->at, patch->value);
}

/* ---- nft: numbers that are too large for what they say ---- */

static void frame_wide_revision(struct rule *rule)
{
	rule->revision = dice(2) ? 256U << dice(24) : dice_number();
	say(rule, " revision=%u", rule->revision);
}

static void frame_compat(struct rule *rule)
{
	if (dice(2))
		rule->compat.proto = 256U << dice(24);
	else
		rule->compat.flags = any_flags();
	say(rule, " compat=+%u,%#x", rule->compat.proto, rule->compat.flags);
}

static void (*const of_legacy[])(struct rule *rule) = {
	frame_size, frame_revision, frame_proto, frame_place, frame_name,
	frame_field, frame_field, frame_entry_byte,
};

static void (*const of_nft[])(struct rule *rule) = {
	frame_size, frame_revision, frame_proto, frame_nft_place, frame_name,
	frame_wide_revision, frame_compat,
};

static void mutate_frame(struct rule *rule, const struct door *door)
{
	rule->framed = true;
	if (door == &legacy_door)
		one_of(of_legacy)(rule);
	else
		one_of(of_nft)(rule);
}

/* Most rules have few backends. */
static unsigned int any_number_of_backends(void)
{
	const unsigned int backends[] = { 1, 2, 2, 3, 4, 5, 1 + dice(MAX), MAX };

	return dice(2) ? 1 + dice(4) : one_of(backends);
}

void mutant(struct rule *rule, const struct door *door, uint64_t seed,
	    uint64_t round)
{
	unsigned int mutations;
	bool framed;

	dice_seed(seed, round);
	rule_init(rule, any_number_of_backends());
	/* There packets meet it; nft has to commit it alone. */
	if (!dice(door == &legacy_door ? 2 : 16))
		rule->chain = "OUTPUT";
	say(rule, "%s, %u backends", rule->chain, rule->backends);
	/* What is wrong twice says little of either. */
	mutations = dice(2) ? 1 : 1 + dice(MOST_PATCHES);
	framed = !dice(5);
	for (unsigned int i = 0; i < mutations; i++) {
		if (framed && (i == 0 || dice(2)))
			mutate_frame(rule, door);
		else
			one_of(of_structure)(rule);
	}
}
