// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LEASTCONN target for iptables and ip6tables: parse options into the data of a
 * rule and print it.
 *
 * Every error message quotes the part of the option in error and says what is wrong
 * and what is allowed.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xtables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter/xt_LEASTCONN.h>

#define MAX_BACKENDS		XT_LEASTCONN_MAX_BACKENDS
#define DEFAULT_WEIGHT		1
#define KNOWN_ATTRIBUTES	"weight=N, max-conns=N, backup"

#define MAX_NAME		(XT_LEASTCONN_NAME_SIZE - 1)
#define NAME_CHARACTERS		"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
				"abcdefghijklmnopqrstuvwxyz0123456789_.-"
#define NAME_RULE		"1 to %d characters out of A-Z a-z 0-9 _ . -"

/* "[ADDR6]:PORT" */
#define BACKEND_STRLEN		(INET6_ADDRSTRLEN + sizeof("[]:65535"))

#define unused			__attribute__((unused))

#define param_error(part, fmt, ...) \
	xtables_error(PARAMETER_PROBLEM, "LEASTCONN: \"%s\": " fmt, \
		      part, ##__VA_ARGS__)

enum {
	O_TO = 0,
	O_POOL,
	O_MAX_FAILS,
	O_FAIL_TIMEOUT,
	O_SLOW_START,
	O_PERSISTENT,
	O_PERSISTENT_MASK,
	O_REDISPATCH,
};

/**
 * struct family - the differences between iptables and ip6tables
 * @af: address family
 * @alen: bytes in an address
 * @bits: bits in an address
 * @name: name of the protocol, for messages
 * @command: the command for this family, for messages
 * @example: the syntax of a backend, for messages
 */
struct family {
	int		af;
	size_t		alen;
	uint32_t	bits;
	const char	*name;
	const char	*command;
	const char	*example;
};

static const struct family ipv4 = {
	.af		= AF_INET,
	.alen		= sizeof(struct in_addr),
	.bits		= 32,
	.name		= "IPv4",
	.command	= "iptables",
	.example	= "ADDR[:PORT]",
};

static const struct family ipv6 = {
	.af		= AF_INET6,
	.alen		= sizeof(struct in6_addr),
	.bits		= 128,
	.name		= "IPv6",
	.command	= "ip6tables",
	.example	= "ADDR6 or [ADDR6]:PORT",
};

/**
 * struct list - the argument of --to while it is parsed
 * @family: family of the rule
 * @info: data of the rule
 * @first: index of the first backend to which attributes apply; info->count if the
 *	argument has no backend yet
 * @seen: bits of the attributes that these backends have already
 */
struct list {
	const struct family		*family;
	struct xt_leastconn_tginfo	*info;
	unsigned int			first;
	unsigned int			seen;
};

/**
 * struct endpoint - ADDR, ADDR:PORT, [ADDR6] or [ADDR6]:PORT, split
 * @addr: text of the address
 * @port: text of the port; NULL if there is none
 * @bracketed: the address is in brackets
 */
struct endpoint {
	char	*addr;
	char	*port;
	bool	bracketed;
};

/**
 * struct scratch - data for the final check that is not part of the rule's data
 * @entry: the ipt_entry or ip6t_entry. Its protocol may follow the target on the
 *	command line, so only the final check may use it
 */
struct scratch {
	const void	*entry;
};

enum attribute_id {
	ATTR_WEIGHT,
	ATTR_MAX_CONNS,
	ATTR_BACKUP,
};

/**
 * struct attribute - an attribute of a backend
 * @name: its name
 * @max: greatest value
 * @has_value: it is written NAME=N
 */
static const struct attribute {
	const char	*name;
	uint32_t	max;
	bool		has_value;
} attributes[] = {
	[ATTR_WEIGHT]	 = { "weight", XT_LEASTCONN_MAX_WEIGHT, true },
	[ATTR_MAX_CONNS] = { "max-conns", UINT32_MAX, true },
	[ATTR_BACKUP]	 = { "backup", 0, false },
};

#define N_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/**
 * struct setting - an option of a rule with --to; the array has the order in which
 *	they are saved
 * @id: id of the option
 * @name: name of the option
 * @offset: offset in the data of the rule of the number, or of the flags
 * @flag: its bit in the flags; 0: it is a number
 * @min: least value
 * @max: greatest value; 0: the bits of an address, which is the default as well
 * @default_value: default if @max is not 0
 */
static const struct setting {
	unsigned int	id;
	const char	*name;
	size_t		offset;
	uint32_t	flag;
	uint32_t	min;
	uint32_t	max;
	uint32_t	default_value;
} settings[] = {
#define NUMBER(id, name, field, min, max, default_value) \
	{ id, name, offsetof(struct xt_leastconn_tginfo, field), 0, \
	  min, max, default_value }
#define FLAG(id, name, flag) \
	{ id, name, offsetof(struct xt_leastconn_tginfo, flags), flag, 0, 0, 0 }
	/* See setting_default(). */
	NUMBER(O_MAX_FAILS, "max-fails", max_fails, 0, UINT32_MAX, 0),
	NUMBER(O_FAIL_TIMEOUT, "fail-timeout", fail_timeout, 1,
	       XT_LEASTCONN_MAX_SECONDS, XT_LEASTCONN_FAIL_TIMEOUT),
	NUMBER(O_SLOW_START, "slow-start", slow_start, 0,
	       XT_LEASTCONN_MAX_SECONDS, 0),
	NUMBER(O_PERSISTENT, "persistent", persistent, 0,
	       XT_LEASTCONN_MAX_SECONDS, 0),
	NUMBER(O_PERSISTENT_MASK, "persistent-mask", persistent_mask, 1, 0, 0),
	FLAG(O_REDISPATCH, "redispatch", XT_LEASTCONN_REDISPATCH),
#undef NUMBER
#undef FLAG
};

#define for_each_setting(setting)					\
	for (setting = settings;					\
	     setting < settings + sizeof(settings) / sizeof(settings[0]);	\
	     setting++)

static void leastconn_help(void)
{
	printf(
"LEASTCONN target options:\n"
" --to BACKEND[,BACKEND...]\n"
"		Send each new connection to the backend with the fewest live\n"
"		connections for its weight. May be given more than once;\n"
"		at most %u backends in a rule.\n"
"  BACKEND is an address or a range of addresses, followed by attributes:\n"
"    ADDR[:PORT]  ADDR-ADDR[:PORT]  ADDR6  [ADDR6]:PORT  [ADDR6-ADDR6]:PORT\n"
"		A port needs -p tcp, udp, sctp, dccp or udplite.\n"
"    ,weight=N	Share of new connections, 0 to %u; 0: none (default 1)\n"
"    ,max-conns=N	No new connections while it has N (default 0: no limit)\n"
"    ,backup	Use only when no ordinary backend can take a connection\n"
" --pool NAME	Use the backends of a pool, which exists independently of rules\n"
"		and is managed by leastconnctl (pool add NAME).\n"
"  NAME: " NAME_RULE "\n"
"  A rule has either --to or --pool. If no backend can take a connection, the\n"
"  next rule of the chain is evaluated. Failures alone never lead to this.\n"
"Only with --to; leastconnctl pool set has the same settings for pools:\n"
" --max-fails N	Eject a backend after N failed connections within the fail\n"
"		timeout; 0: never (default 3 with -p tcp if each backend has\n"
"		a port, otherwise 0)\n"
" --fail-timeout SEC\n"
"		Time in which failures are counted and for which a backend is\n"
"		ejected, 1 to %u seconds (default %u)\n"
" --slow-start SEC\n"
"		Time in which the weight of a backend that is new or back grows\n"
"		to its full value, 0 to %u seconds (default 0: no slow start)\n"
" --persistent SEC\n"
"		A client keeps its backend until it has made no new connection\n"
"		for this time and has no live one, 0 to %u seconds (default 0:\n"
"		off)\n"
" --persistent-mask LEN\n"
"		Length of the address prefix that identifies a client, 1 to 32,\n"
"		IPv6 1 to 128 (default: the whole address)\n"
" --redispatch	Give a TCP connection to another backend if its backend refuses\n"
"		or does not answer it (default: off; no effect on other\n"
"		protocols)\n",
	       MAX_BACKENDS, XT_LEASTCONN_MAX_WEIGHT, MAX_NAME,
	       XT_LEASTCONN_MAX_SECONDS, XT_LEASTCONN_FAIL_TIMEOUT,
	       XT_LEASTCONN_MAX_SECONDS, XT_LEASTCONN_MAX_SECONDS);
}

/* Digits only: strtoul() would accept signs, blanks and hexadecimal. */
static bool parse_number(const char *text, uint32_t max, uint32_t *number)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (*text - '0');
		if (value > max)
			return false;
	}
	*number = value;
	return true;
}

static const char *format_backend(const struct family *family,
				  const struct xt_leastconn_backend *backend,
				  char *buf)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(family->af, &backend->addr, addr, sizeof(addr));
	if (backend->port == 0)
		strcpy(buf, addr);
	else
		snprintf(buf, BACKEND_STRLEN,
			 family->af == AF_INET6 ? "[%s]:%u" : "%s:%u",
			 addr, ntohs(backend->port));
	return buf;
}

static void set_attribute(struct xt_leastconn_backend *backend,
			  enum attribute_id id, uint32_t value)
{
	switch (id) {
	case ATTR_WEIGHT:
		backend->weight = value;
		break;
	case ATTR_MAX_CONNS:
		backend->max_conns = value;
		break;
	case ATTR_BACKUP:
		backend->flags |= XT_LEASTCONN_BACKUP;
		break;
	}
}

static uint32_t parse_value(const char *text, const struct attribute *attr,
			    const char *value)
{
	uint32_t number;

	if (!attr->has_value) {
		if (value != NULL)
			param_error(text, "%s takes no value", attr->name);
		return 0;
	}
	if (value == NULL)
		param_error(text, "%s needs a value; write %s=N, N from 0 to %u",
			    attr->name, attr->name, attr->max);
	if (!parse_number(value, attr->max, &number))
		param_error(text, "\"%s\" is not a decimal number from 0 to %u",
			    value, attr->max);
	return number;
}

static bool find_attribute(const char *text, size_t len, enum attribute_id *id)
{
	unsigned int i;

	for (i = 0; i < N_ATTRIBUTES; i++) {
		if (strlen(attributes[i].name) == len &&
		    strncmp(attributes[i].name, text, len) == 0) {
			*id = i;
			return true;
		}
	}
	return false;
}

/* Return: false if the text is not an attribute. */
static bool parse_attribute(struct list *list, const char *text)
{
	size_t len = strcspn(text, "=");
	const char *value = text[len] == '=' ? text + len + 1 : NULL;
	const struct attribute *attr;
	enum attribute_id id;
	uint32_t number;
	unsigned int i;

	if (!find_attribute(text, len, &id)) {
		if (value == NULL)
			return false;
		param_error(text, "unknown attribute; known are " KNOWN_ATTRIBUTES);
	}
	attr = &attributes[id];

	if (list->first == list->info->count)
		param_error(text, "attribute without a backend; write %s before it",
			    list->family->example);
	if (list->seen & (1U << id))
		param_error(text, "%s is given twice for one backend", attr->name);
	list->seen |= 1U << id;

	number = parse_value(text, attr, value);
	for (i = list->first; i < list->info->count; i++)
		set_attribute(&list->info->backends[i], id, number);
	return true;
}

/* Return: why the address cannot be a backend; NULL if it can. */
static const char *unusable_reason(const struct family *family,
				   const union nf_inet_addr *addr)
{
	if (family->af == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(&addr->in6))
			return "the unspecified address";
		if (IN6_IS_ADDR_MULTICAST(&addr->in6))
			return "a multicast address";
	} else {
		if (addr->ip == htonl(INADDR_ANY))
			return "the unspecified address";
		if (addr->ip == htonl(INADDR_BROADCAST))
			return "the broadcast address";
		if (IN_MULTICAST(ntohl(addr->ip)))
			return "a multicast address";
	}
	return NULL;
}

static void add_backend(struct list *list, const char *text,
			const union nf_inet_addr *addr, uint16_t port)
{
	struct xt_leastconn_tginfo *info = list->info;
	struct xt_leastconn_backend *new = &info->backends[info->count];
	char buf[BACKEND_STRLEN];
	const char *reason;
	unsigned int i;

	if (info->count == MAX_BACKENDS)
		param_error(text, "too many backends; the maximum of a rule is %u",
			    MAX_BACKENDS);

	new->addr = *addr;
	new->port = htons(port);
	new->weight = DEFAULT_WEIGHT;

	reason = unusable_reason(list->family, addr);
	if (reason != NULL)
		param_error(text, "%s is %s; a backend needs a unicast address",
			    format_backend(list->family, new, buf), reason);
	for (i = 0; i < info->count; i++) {
		if (memcmp(&info->backends[i].addr, addr, sizeof(*addr)) == 0 &&
		    info->backends[i].port == new->port)
			param_error(text, "%s is in the rule already; name each address and port once",
				    format_backend(list->family, new, buf));
	}
	info->count++;
}

static void next_address(uint8_t *addr, size_t len)
{
	while (len-- > 0 && ++addr[len] == 0)
		;
}

static void add_range(struct list *list, const char *text,
		      const union nf_inet_addr *from,
		      const union nf_inet_addr *to, uint16_t port)
{
	size_t alen = list->family->alen;
	union nf_inet_addr addr = *from;
	unsigned int n;

	/* Addresses are in network order, which memcmp() compares as numbers. */
	if (memcmp(from, to, alen) > 0)
		param_error(text, "the range ends before it begins; write LOWEST-HIGHEST");
	for (n = 1; memcmp(&addr, to, alen) != 0; n++) {
		if (n == MAX_BACKENDS)
			param_error(text, "the range has more than %u addresses, the maximum of a rule",
				    MAX_BACKENDS);
		next_address((uint8_t *)&addr, alen);
	}

	for (addr = *from; n > 0; n--) {
		add_backend(list, text, &addr, port);
		next_address((uint8_t *)&addr, alen);
	}
}

static void parse_address(const struct family *family, const char *text,
			  const struct endpoint *end, union nf_inet_addr *addr)
{
	const struct family *other = family == &ipv4 ? &ipv6 : &ipv4;

	/* Bytes that an IPv4 address leaves free stay zero. */
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(other->af, end->addr, addr) == 1)
		param_error(text, "\"%s\" is an %s address; %s takes only %s addresses, use %s",
			    end->addr, other->name, family->command, family->name,
			    other->command);
	if (strchr(end->addr, '/') != NULL)
		param_error(text, "a prefix is not accepted; write a range, FIRST-LAST");
	if (inet_pton(family->af, end->addr, addr) != 1)
		param_error(text, "\"%s\" is neither an %s address (host names are not accepted) nor an attribute (" KNOWN_ATTRIBUTES ")",
			    end->addr, family->name);
	if (end->bracketed && family->af == AF_INET)
		param_error(text, "brackets are for IPv6; write ADDR[:PORT]");
}

static uint16_t parse_port(const char *text, const struct endpoint *end)
{
	uint32_t port;

	if (end->port == NULL)
		return 0;
	if (!parse_number(end->port, UINT16_MAX, &port) || port == 0)
		param_error(text, "port \"%s\" is not a decimal number from 1 to 65535",
			    end->port);
	return port;
}

static void split_endpoint(char *work, const char *text, struct endpoint *end)
{
	char *p;

	*end = (struct endpoint){ .addr = work };
	if (*work == '[') {
		end->bracketed = true;
		end->addr = work + 1;
		p = strchr(work, ']');
		if (p == NULL)
			param_error(text, "missing \"]\"; write [ADDR6]:PORT");
		*p++ = '\0';
		if (*p == ':')
			end->port = p + 1;
		else if (*p != '\0')
			param_error(text, "unexpected \"%s\" after \"]\"; write [ADDR6]:PORT",
				    p);
		return;
	}

	/* More than one colon: an IPv6 address without a port. */
	p = strchr(work, ':');
	if (p != NULL && strchr(p + 1, ':') == NULL) {
		*p = '\0';
		end->port = p + 1;
	}
}

/* The port of A-B, A-B:PORT or A:PORT-B:PORT, with or without brackets. */
static uint16_t range_port(const char *text, const struct endpoint *from,
			   const struct endpoint *to)
{
	uint16_t port = parse_port(text, to);

	if (from->bracketed != to->bracketed)
		param_error(text, "brackets at one end only; write [ADDR6]-[ADDR6]:PORT or [ADDR6-ADDR6]:PORT");
	if (from->port != NULL && parse_port(text, from) != port)
		param_error(text, "a range has one port; write A-B:PORT, or the same port at both ends");
	return port;
}

/* xtables_strdup() requires iptables 1.8.8. */
static char *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(xtables_malloc(size), text, size);
}

static bool is_digits(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

/* 10.0.0.1:80-90 or 10.0.0.1-4:80: do not report "90" or "4" as a bad address. */
static void check_last_address(const char *text, const struct endpoint *from,
			       const struct endpoint *to)
{
	const char *dot = strrchr(from->addr, '.');

	if (!is_digits(to->addr))
		return;
	if (from->port != NULL)
		param_error(text, "a backend has one port, not a range of ports");
	if (dot != NULL && *to->addr != '\0')
		param_error(text, "write the full last address: %s-%.*s.%s%s%s",
			    from->addr, (int)(dot - from->addr), from->addr,
			    to->addr, to->port ? ":" : "",
			    to->port ? to->port : "");
}

static void parse_backend(struct list *list, const char *text)
{
	char *work = copy_text(text);
	char *dash = strchr(work, '-');
	union nf_inet_addr addr[2];
	struct endpoint from, to;
	uint16_t port;

	if (dash == NULL) {
		split_endpoint(work, text, &from);
		to = from;
	} else if (*work == '[' && work[strcspn(work, "]-")] == '-') {
		/* [A-B]:PORT */
		split_endpoint(work, text, &from);
		to = from;
		*dash = '\0';
		to.addr = dash + 1;
	} else {
		*dash = '\0';
		split_endpoint(work, text, &from);
		split_endpoint(dash + 1, text, &to);
	}

	parse_address(list->family, text, &from, &addr[0]);
	check_last_address(text, &from, &to);
	parse_address(list->family, text, &to, &addr[1]);
	port = range_port(text, &from, &to);

	list->first = list->info->count;
	list->seen = 0;
	add_range(list, text, &addr[0], &addr[1], port);
	free(work);
}

static void parse_list(const struct family *family, const char *arg,
		       struct xt_leastconn_tginfo *info)
{
	struct list list = {
		.family	= family,
		.info	= info,
		.first	= info->count,
	};
	char *copy = copy_text(arg);
	char *rest = copy;
	char *text;

	while ((text = strsep(&rest, ",")) != NULL) {
		if (*text == '\0')
			param_error(arg, "empty element; write BACKEND[,ATTRIBUTE...][,BACKEND...] without spare commas or blanks");
		if (text[strcspn(text, " \t")] != '\0')
			param_error(text, "a blank; write BACKEND[,ATTRIBUTE...][,BACKEND...] without blanks");
		if (!parse_attribute(&list, text))
			parse_backend(&list, text);
	}
	free(copy);
}

/* libxtables would truncate a long name, which could name another pool. */
static void parse_name(const char *text, char *name)
{
	size_t len = strlen(text);
	const char *bad = text + strspn(text, NAME_CHARACTERS);

	if (*bad != '\0')
		param_error(text, "\"%.*s\" is not allowed in a pool name; use " NAME_RULE,
			    (int)strcspn(bad, NAME_CHARACTERS), bad, MAX_NAME);
	if (len == 0 || len > MAX_NAME)
		param_error(text, "the pool name has %zu characters; use " NAME_RULE,
			    len, MAX_NAME);
	memcpy(name, text, len);
}

static uint32_t *setting_field(struct xt_leastconn_tginfo *info,
			       const struct setting *setting)
{
	return (uint32_t *)((char *)info + setting->offset);
}

static uint32_t setting_value(const struct xt_leastconn_tginfo *info,
			      const struct setting *setting)
{
	uint32_t value;

	memcpy(&value, (const char *)info + setting->offset, sizeof(value));
	return setting->flag ? value & setting->flag : value;
}

static uint32_t setting_max(const struct setting *setting,
			    const struct family *family)
{
	return setting->max ? setting->max : family->bits;
}

/**
 * struct kind - what defaults depend on
 * @family: the rule's
 * @is_judged: the rule is for TCP, and each backend has a port
 */
struct kind {
	const struct family	*family;
	bool			is_judged;
};

static bool all_have_ports(const struct xt_leastconn_tginfo *info)
{
	unsigned int i;

	for (i = 0; i < info->count && i < MAX_BACKENDS; i++)
		if (info->backends[i].port == 0)
			return false;
	return true;
}

static struct kind kind4(const struct ipt_ip *ip,
			 const struct xt_leastconn_tginfo *info)
{
	return (struct kind) { &ipv4, ip->proto == IPPROTO_TCP &&
			       !(ip->invflags & XT_INV_PROTO) &&
			       all_have_ports(info) };
}

static struct kind kind6(const struct ip6t_ip6 *ip,
			 const struct xt_leastconn_tginfo *info)
{
	return (struct kind) { &ipv6, ip->proto == IPPROTO_TCP &&
			       !(ip->invflags & XT_INV_PROTO) &&
			       all_have_ports(info) };
}

static uint32_t setting_default(const struct setting *setting,
				const struct kind *kind)
{
	if (setting->id == O_MAX_FAILS)
		return kind->is_judged ? XT_LEASTCONN_MAX_FAILS : 0;
	return setting->flag || setting->max ? setting->default_value :
					       kind->family->bits;
}

static void parse_setting(const struct family *family, unsigned int id,
			  const char *arg, struct xt_leastconn_tginfo *info)
{
	const struct setting *setting = settings;
	uint32_t max, number;

	while (setting->id != id)
		setting++;
	if (setting->flag) {
		*setting_field(info, setting) |= setting->flag;
		return;
	}
	max = setting_max(setting, family);
	if (!parse_number(arg, max, &number) || number < setting->min)
		param_error(arg, "--%s needs a %s, %u to %u", setting->name,
			    max == XT_LEASTCONN_MAX_SECONDS ?
			    "number of seconds" : "decimal number",
			    setting->min, max);
	*setting_field(info, setting) = number;
}

static void leastconn_parse(struct xt_option_call *cb,
			    const struct family *family)
{
	struct xt_leastconn_tginfo *info = cb->data;
	struct scratch *scratch = cb->udata;

	xtables_option_parse(cb);
	scratch->entry = cb->xt_entry;
	switch (cb->entry->id) {
	case O_TO:
		parse_list(family, cb->arg, info);
		break;
	case O_POOL:
		parse_name(cb->arg, info->name);
		break;
	default:
		parse_setting(family, cb->entry->id, cb->arg, info);
		break;
	}
}

static void leastconn_parse4(struct xt_option_call *cb)
{
	leastconn_parse(cb, &ipv4);
}

static void leastconn_parse6(struct xt_option_call *cb)
{
	leastconn_parse(cb, &ipv6);
}

static bool has_ports(unsigned int proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		return true;
	default:
		return false;
	}
}

static void check_ports(const struct family *family,
			const struct xt_leastconn_tginfo *info,
			unsigned int proto, bool inverted)
{
	char buf[BACKEND_STRLEN];
	unsigned int i;

	if (has_ports(proto) && !inverted)
		return;
	for (i = 0; i < info->count; i++) {
		if (info->backends[i].port != 0)
			param_error(format_backend(family, &info->backends[i], buf),
				    "a port needs -p tcp, udp, sctp, dccp or udplite, without \"!\"");
	}
}

static void check_options(unsigned int given)
{
	switch (given & (1U << O_TO | 1U << O_POOL)) {
	case 0:
		xtables_error(PARAMETER_PROBLEM,
			      "LEASTCONN: no backends; a rule needs --to BACKEND[,BACKEND...] or --pool NAME");
	case 1U << O_TO | 1U << O_POOL:
		param_error("--pool", "not allowed with --to; a rule has either --to or --pool");
	}
}

/* Fill in defaults, so that equal rules have equal data. */
static void set_defaults(const struct kind *kind,
			 struct xt_leastconn_tginfo *info, unsigned int given)
{
	const struct setting *setting;

	for_each_setting(setting) {
		if (setting->flag || given & 1U << setting->id)
			continue;
		*setting_field(info, setting) = setting_default(setting, kind);
	}
}

/* A pool has its own settings. */
static void check_no_settings(const struct xt_leastconn_tginfo *info,
			      unsigned int given)
{
	const struct setting *setting;
	char option[32];

	for_each_setting(setting) {
		if (!(given & 1U << setting->id))
			continue;
		snprintf(option, sizeof(option), "--%s", setting->name);
		param_error(option, "not allowed with --pool; use leastconnctl pool set %s %s%s",
			    info->name, setting->name, setting->flag ? "" : " N");
	}
}

static void check_rule(const struct kind *kind,
		       struct xt_leastconn_tginfo *info, unsigned int given)
{
	if (given & 1U << O_POOL)
		check_no_settings(info, given);
	else
		set_defaults(kind, info, given);
}

static void leastconn_fcheck4(struct xt_fcheck_call *cb)
{
	const struct scratch *scratch = cb->udata;
	const struct ipt_entry *entry = scratch->entry;
	struct kind kind;

	/* The entry is NULL if no option is given. */
	check_options(cb->xflags);
	kind = kind4(&entry->ip, cb->data);
	check_rule(&kind, cb->data, cb->xflags);
	check_ports(&ipv4, cb->data, entry->ip.proto,
		    entry->ip.invflags & XT_INV_PROTO);
}

static void leastconn_fcheck6(struct xt_fcheck_call *cb)
{
	const struct scratch *scratch = cb->udata;
	const struct ip6t_entry *entry = scratch->entry;
	struct kind kind;

	check_options(cb->xflags);
	kind = kind6(&entry->ipv6, cb->data);
	check_rule(&kind, cb->data, cb->xflags);
	check_ports(&ipv6, cb->data, entry->ipv6.proto,
		    entry->ipv6.invflags & XT_INV_PROTO);
}

/**
 * struct form - format of an option
 * @lead: text before its name
 * @gap: text before its value
 */
struct form {
	const char	*lead;
	const char	*gap;
};

static const struct form listed = { " ", ":" };
static const struct form saved = { " --", " " };

static void print_backends(const struct family *family, const struct form *form,
			   const struct xt_leastconn_tginfo *info)
{
	const struct xt_leastconn_backend *backend = info->backends;
	char buf[BACKEND_STRLEN];
	unsigned int i;

	for (i = 0; i < info->count && i < MAX_BACKENDS; i++, backend++) {
		printf("%sto%s%s", form->lead, form->gap,
		       format_backend(family, backend, buf));
		if (backend->weight != DEFAULT_WEIGHT)
			printf(",weight=%u", backend->weight);
		if (backend->max_conns != 0)
			printf(",max-conns=%u", backend->max_conns);
		if (backend->flags & XT_LEASTCONN_BACKUP)
			printf(",backup");
	}
}

static void print_settings(const struct kind *kind, const struct form *form,
			   const struct xt_leastconn_tginfo *info)
{
	const struct setting *setting;
	uint32_t value;

	for_each_setting(setting) {
		value = setting_value(info, setting);
		if (value == setting_default(setting, kind))
			continue;
		printf("%s%s", form->lead, setting->name);
		if (!setting->flag)
			printf("%s%u", form->gap, value);
	}
}

/*
 * Another program may have created the rule: do not rely on a valid count or a
 * terminated name.
 */
static void print_rule(const struct kind *kind, const struct form *form,
		       const struct xt_leastconn_tginfo *info)
{
	if (info->name[0] != '\0')
		printf("%spool%s%.*s", form->lead, form->gap, MAX_NAME,
		       info->name);
	print_backends(kind->family, form, info);
	if (info->name[0] == '\0')
		print_settings(kind, form, info);
}

static void print4(const struct ipt_ip *ip, const struct form *form,
		   const struct xt_entry_target *target)
{
	const struct xt_leastconn_tginfo *info = (const void *)target->data;
	struct kind kind = kind4(ip, info);

	print_rule(&kind, form, info);
}

static void print6(const struct ip6t_ip6 *ip, const struct form *form,
		   const struct xt_entry_target *target)
{
	const struct xt_leastconn_tginfo *info = (const void *)target->data;
	struct kind kind = kind6(ip, info);

	print_rule(&kind, form, info);
}

static void leastconn_print4(const void *ip,
			     const struct xt_entry_target *target,
			     unused int numeric)
{
	print4(ip, &listed, target);
}

static void leastconn_print6(const void *ip,
			     const struct xt_entry_target *target,
			     unused int numeric)
{
	print6(ip, &listed, target);
}

static void leastconn_save4(const void *ip, const struct xt_entry_target *target)
{
	print4(ip, &saved, target);
}

static void leastconn_save6(const void *ip, const struct xt_entry_target *target)
{
	print6(ip, &saved, target);
}

static const struct xt_option_entry leastconn_opts[] = {
	{ .name = "to", .id = O_TO, .type = XTTYPE_STRING,
	  .flags = XTOPT_MULTI },
	{ .name = "pool", .id = O_POOL, .type = XTTYPE_STRING },
	{ .name = "max-fails", .id = O_MAX_FAILS, .type = XTTYPE_STRING },
	{ .name = "fail-timeout", .id = O_FAIL_TIMEOUT, .type = XTTYPE_STRING },
	{ .name = "slow-start", .id = O_SLOW_START, .type = XTTYPE_STRING },
	{ .name = "persistent", .id = O_PERSISTENT, .type = XTTYPE_STRING },
	{ .name = "persistent-mask", .id = O_PERSISTENT_MASK,
	  .type = XTTYPE_STRING },
	{ .name = "redispatch", .id = O_REDISPATCH, .type = XTTYPE_NONE },
	XTOPT_TABLEEND,
};

static struct xtables_target leastconn_targets[] = {
	{
		.version	= XTABLES_VERSION,
		.name		= "LEASTCONN",
		.revision	= 0,
		.family		= NFPROTO_IPV4,
		.size		= XT_ALIGN(sizeof(struct xt_leastconn_tginfo)),
		.userspacesize	= offsetof(struct xt_leastconn_tginfo, pool),
		.help		= leastconn_help,
		.print		= leastconn_print4,
		.save		= leastconn_save4,
		.x6_parse	= leastconn_parse4,
		.x6_fcheck	= leastconn_fcheck4,
		.x6_options	= leastconn_opts,
		.udata_size	= sizeof(struct scratch),
	},
	{
		.version	= XTABLES_VERSION,
		.name		= "LEASTCONN",
		.revision	= 0,
		.family		= NFPROTO_IPV6,
		.size		= XT_ALIGN(sizeof(struct xt_leastconn_tginfo)),
		.userspacesize	= offsetof(struct xt_leastconn_tginfo, pool),
		.help		= leastconn_help,
		.print		= leastconn_print6,
		.save		= leastconn_save6,
		.x6_parse	= leastconn_parse6,
		.x6_fcheck	= leastconn_fcheck6,
		.x6_options	= leastconn_opts,
		.udata_size	= sizeof(struct scratch),
	},
};

/* The name _init() is reserved for extensions in the iptables source. */
__attribute__((constructor)) static void leastconn_register(void)
{
	xtables_register_targets(leastconn_targets,
				 sizeof(leastconn_targets) /
				 sizeof(leastconn_targets[0]));
}
