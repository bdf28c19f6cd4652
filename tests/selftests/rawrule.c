// SPDX-License-Identifier: GPL-2.0-only
/*
 * rawrule: LEASTCONN rules that no honest front end would send.
 *
 *	rawrule legacy|nft 4|6 CASE...
 *	rawrule legacy|nft 4|6 keep CASE
 *	rawrule legacy|nft 4|6 flip ROUNDS SEED
 *
 * A case is one valid rule (two backends with ports, -p tcp, appended to
 * nat/PREROUTING) with mutations, "valid" or "NAME=VALUE[,NAME=VALUE...]":
 *	count, flags, backend-flags, pool, weight	what the field says
 *	backends=N		so many, all valid
 *	address=ADDR		the first backend's
 *	address-byte=N		byte N of it is not zero
 *	duplicate=N		64 backends, the one at N is the first again
 *	byte=N			byte N of the array of backends is not zero
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
 * flip sends that many rules with random bytes or bits of the structure
 * flipped, and compares the kernel's answer with what the header promises.
 * Exit status 0: all could be sent; 1: flip met a wrong answer; 2: could not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <linux/netfilter/xt_LEASTCONN.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define USERSIZE	offsetof(struct xt_leastconn_tginfo, pool)
#define MOST_INFO	60000
#define NO_HOOK		-1

static bool ipv6;

/**
 * struct rule - what is sent
 * @info: the target's structure, and room for one that is too long
 * @size: how long it is said to be
 * @revision: the target's
 * @proto: the protocol that the rule matches, or claims to; 0: none
 * @inverted: it matches every other one
 * @told: it only claims to
 * @table: where it goes
 * @chain: where in it
 * @type: the type of a chain of our own, or NULL
 */
struct rule {
	union {
		struct xt_leastconn_tginfo	info;
		unsigned char			bytes[MOST_INFO];
	};
	size_t		size;
	unsigned int	revision;
	unsigned int	proto;
	bool		inverted;
	bool		told;
	const char	*table;
	const char	*chain;
	const char	*type;
};

/* What the kernel shows of the rule it accepted. */
struct shown {
	uint64_t	handle;
	size_t		size;
	unsigned char	bytes[MOST_INFO];
};

static void __attribute__((format(printf, 1, 2), noreturn))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "rawrule: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

/* ---- the valid rule, and what is done to it ---- */

static void set_backend(struct xt_leastconn_backend *backend, unsigned int at)
{
	memset(backend, 0, sizeof(*backend));
	if (ipv6) {
		inet_pton(AF_INET6, "fd00:1::", &backend->addr);
		backend->addr.ip6[3] = htonl(at + 1);
	} else {
		backend->addr.ip = htonl(0x0a000100 + at + 1);
	}
	backend->weight = 1;
	backend->port = htons(80);
}

static void set_count(struct rule *rule, unsigned int count)
{
	memset(rule->info.backends, 0, sizeof(rule->info.backends));
	rule->info.count = count;
	for (unsigned int i = 0; i < count; i++)
		set_backend(&rule->info.backends[i], i);
}

static void valid_rule(struct rule *rule, unsigned int count)
{
	memset(rule, 0, sizeof(*rule));
	set_count(rule, count);
	rule->size = sizeof(rule->info);
	rule->proto = IPPROTO_TCP;
	rule->table = "nat";
	rule->chain = "PREROUTING";
}

static void set_proto(struct rule *rule, unsigned int proto, char how)
{
	rule->proto = proto;
	rule->inverted = how == 'n';
	rule->told = how == 't';
}

static void set_duplicate(struct rule *rule, size_t at)
{
	struct xt_leastconn_backend *backends = rule->info.backends;

	set_count(rule, XT_LEASTCONN_MAX_BACKENDS);
	if (at >= XT_LEASTCONN_MAX_BACKENDS)
		die("no backend %zu", at);
	backends[at] = backends[0];
	/* The same with other attributes is the same. */
	backends[at].weight = 7;
}

/* The mutations whose value is a number. */
static bool mutate_number(struct rule *rule, const char *name, const char *value)
{
	struct xt_leastconn_backend *backends = rule->info.backends;
	uint64_t number = strtoull(value, NULL, 0);

	if (!strcmp(name, "count"))
		rule->info.count = number;
	else if (!strcmp(name, "backends") && number <= XT_LEASTCONN_MAX_BACKENDS)
		set_count(rule, number);
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
	else if (!strcmp(name, "byte"))
		((unsigned char *)backends)[number % sizeof(rule->info.backends)] = 1;
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
		return false;
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

	valid_rule(rule, 2);
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

/* ---- hooks ---- */

static const struct {
	const char	*chain;
	int		priority_nat;
} hooks[NF_INET_NUMHOOKS] = {
	[NF_INET_PRE_ROUTING]	= { "PREROUTING",	-100 },
	[NF_INET_LOCAL_IN]	= { "INPUT",		100 },
	[NF_INET_FORWARD]	= { "FORWARD",		0 },
	[NF_INET_LOCAL_OUT]	= { "OUTPUT",		-100 },
	[NF_INET_POST_ROUTING]	= { "POSTROUTING",	100 },
};

static int hook_of(const struct rule *rule)
{
	if (rule->type)
		return NF_INET_PRE_ROUTING;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].chain && !strcmp(hooks[i].chain, rule->chain))
			return i;
	return NO_HOOK;
}

/* ---- legacy: a table as the socket options have it ---- */

/*
 * Of struct ipt_getinfo, ipt_replace and ipt_get_entries there is only one
 * layout; entries have two.
 */
struct table {
	struct ipt_getinfo	info;
	unsigned char		*entries;
};

static int legacy_socket(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		die("socket: %m");
	return fd;
}

static int legacy_level(void)
{
	return ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
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

static void legacy_read(struct table *table, const char *name)
{
	socklen_t len = sizeof(table->info);
	struct ipt_get_entries *get;

	memset(table, 0, sizeof(*table));
	strncpy(table->info.name, name, sizeof(table->info.name) - 1);
	if (getsockopt(legacy_socket(), legacy_level(), IPT_SO_GET_INFO,
		       &table->info, &len))
		die("table %s: %m", name);
	len = sizeof(*get) + table->info.size;
	get = calloc(1, len);
	strcpy(get->name, table->info.name);
	get->size = table->info.size;
	if (getsockopt(legacy_socket(), legacy_level(), IPT_SO_GET_ENTRIES,
		       get, &len))
		die("entries of %s: %m", name);
	table->entries = malloc(get->size);
	memcpy(table->entries, get->entrytable, get->size);
	free(get);
}

/* Return: 0 or the errno; the kernel has @entries of @table so far. */
static int legacy_write(const struct table *table, unsigned int entries)
{
	socklen_t len = sizeof(struct ipt_replace) + table->info.size;
	struct ipt_replace *replace = calloc(1, len);
	int err = 0;

	strcpy(replace->name, table->info.name);
	replace->valid_hooks = table->info.valid_hooks;
	replace->num_entries = table->info.num_entries;
	replace->size = table->info.size;
	memcpy(replace->hook_entry, table->info.hook_entry,
	       sizeof(replace->hook_entry));
	memcpy(replace->underflow, table->info.underflow,
	       sizeof(replace->underflow));
	replace->num_counters = entries;
	replace->counters = calloc(entries, sizeof(*replace->counters));
	memcpy(replace->entries, table->entries, table->info.size);
	if (setsockopt(legacy_socket(), legacy_level(), IPT_SO_SET_REPLACE,
		       replace, len))
		err = errno;
	free(replace->counters);
	free(replace);
	return err;
}

/* Where a new last rule of the chain goes. */
static size_t legacy_end(struct table *table, const struct rule *rule)
{
	unsigned char *entry, *before = NULL;
	const struct xt_error_target *error;
	bool inside = false;
	int hook = hook_of(rule);

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

/* Return: the entry's length. */
static size_t make_entry(unsigned char *entry, const struct rule *rule)
{
	size_t head = ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	size_t target = sizeof(struct xt_entry_target) + rule->size;
	size_t len = head + XT_ALIGN(target);
	struct xt_entry_target *t;

	memset(entry, 0, len);
	*target_offset(entry) = head;
	*next_offset(entry) = len;
	entry_match(entry, rule);
	t = entry_target(entry);
	t->u.user.target_size = target;
	t->u.user.revision = rule->revision;
	strcpy(t->u.user.name, "LEASTCONN");
	memcpy(t->data, rule->bytes, rule->size);
	return len;
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
	size_t at = legacy_end(table, rule);
	size_t len = make_entry(entry, rule);

	shift(table, at, len);
	table->entries = realloc(table->entries, table->info.size + len);
	memmove(table->entries + at + len, table->entries + at,
		table->info.size - at);
	memcpy(table->entries + at, entry, len);
	table->info.size += len;
	table->info.num_entries++;
}

/* The table as it was before legacy_add(). */
static struct table before;

static int legacy_add(const struct rule *rule)
{
	struct table after;
	int err;

	free(before.entries);
	legacy_read(&before, rule->table);
	after = before;
	after.entries = malloc(before.info.size);
	memcpy(after.entries, before.entries, before.info.size);
	insert(&after, rule);
	err = legacy_write(&after, before.info.num_entries);
	free(after.entries);
	return err;
}

static void legacy_show(const struct rule *rule, struct shown *shown)
{
	struct xt_entry_target *target;
	struct table table;

	legacy_read(&table, rule->table);
	/* The chain ends where the new rule, its last one, does. */
	target = entry_target(table.entries + legacy_end(&before, rule));
	if (strcmp(target->u.user.name, "LEASTCONN"))
		die("the accepted rule is not where it was put");
	shown->size = target->u.user.target_size - sizeof(*target);
	memcpy(shown->bytes, target->data, shown->size);
	free(table.entries);
}

static void legacy_remove(const struct rule *rule __attribute__((unused)),
			  const struct shown *shown __attribute__((unused)))
{
	int err = legacy_write(&before, before.info.num_entries + 1);

	if (err)
		die("cannot restore the table: %s", strerror(err));
}

/* ---- nft: a transaction as netlink has it ---- */

static struct {
	char		buf[1 << 18];
	size_t		len;
	struct nlmsghdr	*last;
} batch;

static struct nlmsghdr *message(int type, int flags, int res_id)
{
	static unsigned int seq;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(batch.buf + batch.len);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	batch.last = nlh;
	return nlh;
}

/* The message that message() began is whole. */
static void done(void)
{
	batch.len += batch.last->nlmsg_len;
}

static struct nlmsghdr *nft_message(int type, int flags)
{
	return message(NFNL_SUBSYS_NFTABLES << 8 | type, flags, 0);
}

static void batch_edge(int type)
{
	if (type == NFNL_MSG_BATCH_BEGIN)
		batch.len = 0;
	message(type, 0, NFNL_SUBSYS_NFTABLES);
	done();
}

static struct mnl_socket *nft_socket(void)
{
	static struct mnl_socket *nl;

	if (nl)
		return nl;
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink: %m");
	return nl;
}

/* Answers are there when sendto() returns. Return: the first error. */
static int nft_send(void)
{
	static char buf[1 << 18];
	struct mnl_socket *nl = nft_socket();
	struct nlmsgerr *answer;
	struct nlmsghdr *nlh;
	int err = 0, len;

	if (mnl_socket_sendto(nl, batch.buf, batch.len) < 0)
		die("sendto: %m");
	while ((len = recv(mnl_socket_get_fd(nl), buf, sizeof(buf),
			   MSG_DONTWAIT)) > 0) {
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			answer = mnl_nlmsg_get_payload(nlh);
			if (!err)
				err = -answer->error;
		}
	}
	return err;
}

static const char *chain_name(const struct rule *rule)
{
	return rule->type ? "rawrule" : rule->chain;
}

static const char *chain_type(const struct rule *rule)
{
	if (rule->type)
		return rule->type;
	if (!strcmp(rule->table, "nat"))
		return "nat";
	if (!strcmp(rule->table, "mangle") && !strcmp(rule->chain, "OUTPUT"))
		return "route";
	return "filter";
}

static int chain_priority(const struct rule *rule)
{
	if (!strcmp(chain_type(rule), "nat"))
		return hooks[hook_of(rule)].priority_nat;
	return strcmp(rule->table, "mangle") ? 0 : -150;
}

/* A base chain, as iptables-nft makes it; nothing is done where it is. */
static void put_chain(const struct rule *rule)
{
	struct nlmsghdr *nlh = nft_message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, rule->table);
	done();
	if (hook_of(rule) == NO_HOOK)
		return;
	nlh = nft_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, chain_name(rule));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, chain_type(rule));
	nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(hook_of(rule)));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(chain_priority(rule)));
	mnl_attr_nest_end(nlh, nest);
	done();
}

static struct nlattr *expression(struct nlmsghdr *nlh, const char *name,
				 struct nlattr **data)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, name);
	*data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	return nest;
}

/* meta l4proto == (or !=) PROTO */
static void put_match(struct nlmsghdr *nlh, const struct rule *rule)
{
	struct nlattr *data, *nest, *value;

	nest = expression(nlh, "meta", &data);
	mnl_attr_put_u32(nlh, NFTA_META_KEY, htonl(NFT_META_L4PROTO));
	mnl_attr_put_u32(nlh, NFTA_META_DREG, htonl(NFT_REG_1));
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, nest);
	nest = expression(nlh, "cmp", &data);
	mnl_attr_put_u32(nlh, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nlh, NFTA_CMP_OP,
			 htonl(rule->inverted ? NFT_CMP_NEQ : NFT_CMP_EQ));
	value = mnl_attr_nest_start(nlh, NFTA_CMP_DATA);
	mnl_attr_put_u8(nlh, NFTA_DATA_VALUE, rule->proto);
	mnl_attr_nest_end(nlh, value);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, nest);
}

static void put_expressions(struct nlmsghdr *nlh, const struct rule *rule)
{
	struct nlattr *data, *list, *nest;

	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	if (rule->proto && !rule->told)
		put_match(nlh, rule);
	nest = expression(nlh, "target", &data);
	mnl_attr_put_strz(nlh, NFTA_TARGET_NAME, "LEASTCONN");
	mnl_attr_put_u32(nlh, NFTA_TARGET_REV, htonl(rule->revision));
	mnl_attr_put(nlh, NFTA_TARGET_INFO, rule->size, rule->bytes);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, list);
}

static int nft_add(const struct rule *rule)
{
	struct nlattr *nest;
	struct nlmsghdr *nlh;

	batch_edge(NFNL_MSG_BATCH_BEGIN);
	put_chain(rule);
	nlh = nft_message(NFT_MSG_NEWRULE,
			  NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule));
	put_expressions(nlh, rule);
	if (rule->proto) {
		nest = mnl_attr_nest_start(nlh, NFTA_RULE_COMPAT);
		mnl_attr_put_u32(nlh, NFTA_RULE_COMPAT_PROTO,
				 htonl(rule->proto));
		mnl_attr_put_u32(nlh, NFTA_RULE_COMPAT_FLAGS,
				 htonl(rule->inverted ? NFT_RULE_COMPAT_F_INV : 0));
		mnl_attr_nest_end(nlh, nest);
	}
	done();
	batch_edge(NFNL_MSG_BATCH_END);
	return nft_send();
}

/* The target's bytes within the list of a rule's expressions. */
static void expressions_show(const struct nlattr *list, struct shown *shown)
{
	const struct nlattr *attr, *data, *expr;

	mnl_attr_for_each_nested(expr, list)
		mnl_attr_for_each_nested(data, expr) {
			if (mnl_attr_get_type(data) == NFTA_EXPR_NAME &&
			    strcmp(mnl_attr_get_str(data), "target"))
				break;
			if (mnl_attr_get_type(data) != NFTA_EXPR_DATA)
				continue;
			mnl_attr_for_each_nested(attr, data)
				if (mnl_attr_get_type(attr) == NFTA_TARGET_INFO) {
					shown->size = mnl_attr_get_payload_len(attr);
					memcpy(shown->bytes,
					       mnl_attr_get_payload(attr),
					       shown->size);
				}
		}
}

/* The last rule of a dump is the one that was appended. */
static int rule_show(const struct nlmsghdr *nlh, void *arg)
{
	struct shown *shown = arg;
	const struct nlattr *attr;

	shown->size = 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_RULE_HANDLE)
			shown->handle = be64toh(mnl_attr_get_u64(attr));
		else if (mnl_attr_get_type(attr) == NFTA_RULE_EXPRESSIONS)
			expressions_show(attr, shown);
	}
	return MNL_CB_OK;
}

static void nft_show(const struct rule *rule, struct shown *shown)
{
	static char buf[1 << 18];
	struct mnl_socket *nl = nft_socket();
	struct nlmsghdr *nlh;
	int len, more = MNL_CB_OK;

	batch.len = 0;
	nlh = nft_message(NFT_MSG_GETRULE, NLM_F_DUMP);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule));
	done();
	if (mnl_socket_sendto(nl, batch.buf, batch.len) < 0)
		die("sendto: %m");
	while (more > 0) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len < 0)
			die("recvfrom: %m");
		more = mnl_cb_run(buf, len, nlh->nlmsg_seq, 0, rule_show, shown);
	}
	if (more < 0)
		die("dump: %m");
	if (!shown->size)
		die("the accepted rule is not where it was put");
}

static void nft_remove(const struct rule *rule, const struct shown *shown)
{
	struct nlmsghdr *nlh;
	int err;

	batch_edge(NFNL_MSG_BATCH_BEGIN);
	nlh = nft_message(NFT_MSG_DELRULE, NLM_F_ACK);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule));
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(shown->handle));
	done();
	batch_edge(NFNL_MSG_BATCH_END);
	err = nft_send();
	if (err)
		die("cannot delete the rule: %s", strerror(err));
}

/* ---- doors ---- */

static const struct door {
	const char	*name;
	int		(*add)(const struct rule *rule);
	void		(*show)(const struct rule *rule, struct shown *shown);
	void		(*remove)(const struct rule *rule,
				  const struct shown *shown);
} doors[] = {
	{ "legacy",	legacy_add,	legacy_show,	legacy_remove },
	{ "nft",	nft_add,	nft_show,	nft_remove },
};

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

/* As much as user space may see, as it was sent, and nothing more. */
static bool is_clean(const struct rule *rule, const struct shown *shown)
{
	if (shown->size < USERSIZE ||
	    memcmp(shown->bytes, rule->bytes, USERSIZE))
		return false;
	for (size_t i = USERSIZE; i < shown->size; i++)
		if (shown->bytes[i])
			return false;
	return true;
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
		       is_clean(&rule, &shown) ? "clean" : "LEAK");
		if (!keep)
			door->remove(&rule, &shown);
	}
	free(copy);
}

/* ---- flip ---- */

/* What the header promises of the structure, written a second time. */
static bool good_address(const union nf_inet_addr *addr)
{
	const unsigned char *byte = (const unsigned char *)addr;
	static const unsigned char zero[16];

	if (ipv6)
		return memcmp(addr, zero, 16) && byte[0] != 0xff;
	return memcmp(addr, zero, 4) && !memcmp(byte + 4, zero, 12) &&
	       (byte[0] & 0xf0) != 0xe0 && addr->ip != 0xffffffff;
}

static bool should_stand(const struct xt_leastconn_tginfo *info)
{
	const struct xt_leastconn_backend *backend, *end, *other;
	const unsigned char *byte, *pool = (const void *)&info->pool;

	if (info->flags || !info->count || info->count > 64)
		return false;
	end = info->backends + info->count;
	for (backend = info->backends; backend < end; backend++) {
		if (!good_address(&backend->addr) || backend->flags > 1)
			return false;
		for (other = info->backends; other < backend; other++)
			if (!memcmp(&other->addr, &backend->addr, 16) &&
			    other->port == backend->port)
				return false;
	}
	for (byte = (const void *)end; byte < pool; byte++)
		if (*byte)
			return false;
	return true;
}

static uint64_t dice(uint64_t *state, uint64_t sides)
{
	/* xorshift64* */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 0x2545f4914f6cdd1dULL >> 32) % sides;
}

/* One to three flips; half of them in what is used, a quarter in the pool. */
static void flip(struct rule *rule, uint64_t *state)
{
	size_t used = (const unsigned char *)
		&rule->info.backends[rule->info.count] - rule->bytes;
	unsigned int flips = 1 + dice(state, 3);
	size_t at;

	while (flips--) {
		switch (dice(state, 4)) {
		case 0:
			at = USERSIZE + dice(state, 8);
			break;
		case 1:
			at = dice(state, sizeof(rule->info));
			break;
		default:
			at = dice(state, used);
			break;
		}
		if (dice(state, 2))
			rule->bytes[at] ^= 1 << dice(state, 8);
		else
			rule->bytes[at] = dice(state, 256);
	}
}

static bool flip_once(const struct door *door, uint64_t *state,
		      unsigned int *accepted)
{
	static struct shown shown;
	static struct rule rule;
	bool good = true;
	int err;

	valid_rule(&rule, 1 + dice(state, 4));
	flip(&rule, state);
	err = door->add(&rule);
	if (err)
		return err == EINVAL && !should_stand(&rule.info);
	++*accepted;
	door->show(&rule, &shown);
	good = should_stand(&rule.info) && is_clean(&rule, &shown);
	door->remove(&rule, &shown);
	return good;
}

static int flip_many(const struct door *door, unsigned long rounds,
		     uint64_t seed)
{
	unsigned int accepted = 0, wrong = 0;
	uint64_t state = seed * 2 + 1;

	for (unsigned long i = 0; i < rounds; i++)
		if (!flip_once(door, &state, &accepted)) {
			printf("round %lu: a wrong answer\n", i);
			wrong++;
		}
	printf("%lu rounds, %u accepted, %u wrong\n", rounds, accepted, wrong);
	return wrong ? 1 : 0;
}

static const struct door *door_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(doors); i++)
		if (!strcmp(doors[i].name, name))
			return &doors[i];
	die("no such door: %s", name);
}

int main(int argc, char **argv)
{
	const struct door *door;

	if (argc < 4)
		die("usage: rawrule legacy|nft 4|6 CASE...|keep CASE|flip ROUNDS SEED");
	door = door_by_name(argv[1]);
	ipv6 = !strcmp(argv[2], "6");
	if (!strcmp(argv[3], "flip") && argc == 6)
		return flip_many(door, strtoul(argv[4], NULL, 0),
				 strtoull(argv[5], NULL, 0));
	if (!strcmp(argv[3], "keep") && argc == 5) {
		run_case(door, argv[4], true);
		return 0;
	}
	for (int i = 3; i < argc; i++)
		run_case(door, argv[i], false);
	return 0;
}
