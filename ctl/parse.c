// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse commands from the command line and from files for restore.
 *
 * Every error message quotes the word in error and says what is wrong and what is
 * allowed. Only the syntax is checked here; the kernel checks the rest.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/netfilter.h>

#include "group.h"
#include "parse.h"

#define GIVEN_TERMS	(GIVEN_WEIGHT | GIVEN_MAX_CONNS | GIVEN_BACKUP | \
			 GIVEN_STATE)

#define SETTINGS	"NAME [max-fails N] [fail-timeout SEC] [slow-start SEC] " \
			"[persistent SEC] [persistent-mask LEN] " \
			"[redispatch|no-redispatch]"

#define ENDPOINT	"ADDR[:PORT], ADDR6 or [ADDR6]:PORT"

/**
 * struct verb - a command that changes something
 * @name: its first word, or first two words
 * @op: its operation
 * @needs: arguments that must follow, in this order: GIVEN_POOL, GIVEN_ADDRESS
 * @allows: keywords that may follow the arguments
 * @state: the state that it sets, for LEASTCONN_OP_STATE
 * @usage: its arguments, for messages
 */
static const struct verb {
	const char		*name;
	enum leastconn_op	op;
	unsigned int		needs;
	unsigned int		allows;
	enum leastconn_state	state;
	const char		*usage;
} verbs[] = {
	{ "pool add", LEASTCONN_OP_POOL_ADD, GIVEN_POOL, GIVEN_SETTINGS, 0,
	  SETTINGS },
	{ "pool set", LEASTCONN_OP_POOL_SET, GIVEN_POOL, GIVEN_SETTINGS, 0,
	  SETTINGS },
	{ "pool del", LEASTCONN_OP_POOL_DEL, GIVEN_POOL, 0, 0, "NAME" },
	{ "add", LEASTCONN_OP_ADD, GIVEN_POOL | GIVEN_ADDRESS,
	  GIVEN_PROTO | GIVEN_TERMS, 0,
	  "POOL ADDR[:PORT] [proto P] [weight N] [max-conns N] [backup] [state S]" },
	{ "set", LEASTCONN_OP_SET, GIVEN_POOL | GIVEN_ADDRESS,
	  GIVEN_PROTO | GIVEN_TERMS, 0,
	  "POOL ADDR[:PORT] [proto P] [weight N] [max-conns N] [backup|no-backup] [state S]" },
	{ "del", LEASTCONN_OP_DEL, GIVEN_POOL | GIVEN_ADDRESS,
	  GIVEN_PROTO | GIVEN_KILL, 0, "POOL ADDR[:PORT] [proto P] [--kill]" },
	{ "drain", LEASTCONN_OP_STATE, GIVEN_ADDRESS, GIVEN_PROTO,
	  LEASTCONN_STATE_DRAIN, "ADDR[:PORT] [proto P]" },
	{ "down", LEASTCONN_OP_STATE, GIVEN_ADDRESS, GIVEN_PROTO,
	  LEASTCONN_STATE_DOWN, "ADDR[:PORT] [proto P]" },
	{ "ready", LEASTCONN_OP_STATE, GIVEN_ADDRESS, GIVEN_PROTO,
	  LEASTCONN_STATE_READY, "ADDR[:PORT] [proto P]" },
	{ "eject", LEASTCONN_OP_EJECT, GIVEN_ADDRESS,
	  GIVEN_PROTO | GIVEN_EJECTION_TIME, 0,
	  "ADDR[:PORT] [proto P] [for SEC]" },
	{ "kill", LEASTCONN_OP_KILL, GIVEN_ADDRESS, GIVEN_PROTO, 0,
	  "ADDR[:PORT] [proto P]" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/**
 * struct keyword - an attribute of a backend or a setting of a pool
 * @name: the word
 * @given: its GIVEN_* bit; keywords with the same bit exclude each other
 * @allowed: the values, for messages; NULL: it takes no value
 * @max: greatest value; of a keyword without a value, the value that it sets
 * @min: least value
 */
static const struct keyword {
	const char	*name;
	unsigned int	given;
	const char	*allowed;
	uint32_t	max;
	uint32_t	min;
} keywords[] = {
	{ "proto", GIVEN_PROTO, "tcp, udp, sctp, dccp or udplite", 0, 0 },
	{ "weight", GIVEN_WEIGHT, "a decimal number from 0 to 65535",
	  MAX_WEIGHT, 0 },
	{ "max-conns", GIVEN_MAX_CONNS,
	  "a decimal number from 0 (no limit) to 4294967295", UINT32_MAX, 0 },
	{ "backup", GIVEN_BACKUP, NULL, 1, 0 },
	{ "no-backup", GIVEN_BACKUP, NULL, 0, 0 },
	{ "state", GIVEN_STATE, "ready, drain or down", 0, 0 },
	{ "--kill", GIVEN_KILL, NULL, 0, 0 },
	{ "for", GIVEN_EJECTION_TIME, "a number of seconds, 1 to 86400",
	  LEASTCONN_MAX_EJECTION_TIME, 1 },
	{ "max-fails", GIVEN_SETTING(SETTING_MAX_FAILS),
	  "a decimal number from 0 (never) to 4294967294, or default",
	  UINT32_MAX - 1, 0 },
	{ "fail-timeout", GIVEN_SETTING(SETTING_FAIL_TIMEOUT),
	  "a number of seconds, 1 to 604800", LEASTCONN_MAX_SECONDS, 1 },
	{ "slow-start", GIVEN_SETTING(SETTING_SLOW_START),
	  "a number of seconds, 0 (at once) to 604800",
	  LEASTCONN_MAX_SECONDS, 0 },
	{ "persistent", GIVEN_SETTING(SETTING_PERSISTENT),
	  "a number of seconds, 0 (off) to 604800", LEASTCONN_MAX_SECONDS, 0 },
	{ "persistent-mask", GIVEN_SETTING(SETTING_PERSISTENT_MASK),
	  "a length from 1 to 128", 128, 1 },
	{ "redispatch", GIVEN_SETTING(SETTING_REDISPATCH), NULL, 1, 0 },
	{ "no-redispatch", GIVEN_SETTING(SETTING_REDISPATCH), NULL, 0, 0 },
};

#define N_KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

/* Return: false, for the caller to return. */
__attribute__((format(printf, 2, 3)))
static bool set_error(struct parse_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* cppcheck-suppress ctuuninitvar; the text is written, not read */
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return false;
}

bool parse_number(const char *text, uint32_t max, uint32_t *number)
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

bool parse_seconds(const char *text, unsigned int *ms)
{
	static const char digits[] = "0123456789";
	size_t whole = strspn(text, digits);
	const char *rest = text + whole;
	unsigned int value = 0, unit;

	if (whole == 0 || whole > 6)
		return false;
	while (text < rest)
		value = value * 10 + (*text++ - '0');
	value *= 1000;
	if (*rest == '.') {
		rest++;
		if (*rest == '\0')
			return false;
		/* Decimals after the third are ignored. */
		for (unit = 100; *rest && strchr(digits, *rest); unit /= 10)
			value += unit * (*rest++ - '0');
	}
	*ms = value;
	return *rest == '\0';
}

bool parse_pool(const char *text, struct parse_error *error)
{
	if (pool_name_valid(text))
		return true;
	return set_error(error, "\"%.64s\" is not a pool name: use 1 to %d characters out of A-Z a-z 0-9 _ . -",
			 text, LEASTCONN_NAME_SIZE - 1);
}

/* Split "ADDR:PORT" or "[ADDR6]:PORT". Several colons without brackets: no port. */
static bool split_port(char *work, char **addr, char **port, bool *bracketed,
		       const char *text, struct parse_error *error)
{
	char *end = strchr(work, ':');

	*bracketed = *work == '[';
	*addr = work;
	*port = NULL;
	if (*bracketed) {
		*addr = work + 1;
		end = strchr(work, ']');
		if (!end)
			return set_error(error, "\"%s\": missing \"]\"; write [ADDR6]:PORT",
					 text);
		*end++ = '\0';
		if (*end == '\0')
			return true;
		if (*end != ':')
			return set_error(error, "\"%s\": unexpected \"%s\" after \"]\"; write [ADDR6]:PORT",
					 text, end);
	} else if (!end || strchr(end + 1, ':')) {
		return true;
	}
	*end = '\0';
	*port = end + 1;
	return true;
}

static bool parse_address(const char *addr, bool bracketed, const char *text,
			  struct backend *backend, struct parse_error *error)
{
	memset(backend->addr, 0, sizeof(backend->addr));
	if (inet_pton(AF_INET6, addr, backend->addr) == 1) {
		backend->family = NFPROTO_IPV6;
		return true;
	}
	if (inet_pton(AF_INET, addr, backend->addr) != 1)
		return set_error(error, "\"%s\" is not a backend: write " ENDPOINT " (host names are not accepted)",
				 text);
	if (bracketed)
		return set_error(error, "\"%s\": brackets are for IPv6; write ADDR[:PORT]",
				 text);
	backend->family = NFPROTO_IPV4;
	return true;
}

/* The keyword that the first @length bytes of the text are, or NULL. */
static const struct keyword *find_keyword(const char *text, size_t length,
					  unsigned int takes)
{
	unsigned int i;

	for (i = 0; i < N_KEYWORDS; i++) {
		if (keywords[i].given & takes &&
		    strlen(keywords[i].name) == length &&
		    memcmp(keywords[i].name, text, length) == 0)
			return &keywords[i];
	}
	return NULL;
}

/* The keyword in "KEYWORD=VALUE", or NULL. */
static const struct keyword *find_assigned(const char *text, unsigned int takes)
{
	size_t length = strcspn(text, ",=");

	return text[length] == '=' ? find_keyword(text, length, takes) : NULL;
}

static bool set_value_error(const char *text, const struct keyword *keyword,
			    struct parse_error *error)
{
	return set_error(error, "\"%.127s\": %s takes no value", text,
			 keyword->name);
}

/* Attributes in a rule are written ",weight=3": a likely mistake. */
static bool set_comma_error(const char *text, struct parse_error *error)
{
	const struct keyword *keyword;
	const char *comma;
	char words[128], *p;

	for (comma = strchr(text, ','); comma; comma = strchr(comma + 1, ',')) {
		keyword = find_assigned(comma + 1, GIVEN_TERMS);
		if (keyword && !keyword->allowed)
			return set_value_error(text, keyword, error);
	}
	snprintf(words, sizeof(words), "%s", text);
	for (p = words; *p; p++) {
		if (*p == ',' || *p == '=')
			*p = ' ';
	}
	return set_error(error, "\"%.127s\": write \"%s\" with spaces", text,
			 words);
}

/*
 * A rule takes a list "A,B" or a range "A-B". Attributes have no colon and no dot, and
 * what is before the "-" of a range is an address.
 */
static bool is_several(const char *text)
{
	const char *comma = strchr(text, ',');
	size_t length = strcspn(text, "-");

	return (comma && strpbrk(comma, ".:")) ||
	       (text[length] && strspn(text, "0123456789abcdefABCDEF.:[]") == length);
}

bool parse_backend(const char *text, struct change *change,
		   struct parse_error *error)
{
	char work[BACKEND_STRLEN], *addr, *port;
	const char *comma = strchr(text, ',');
	bool bracketed;

	if (is_several(text))
		return set_error(error, "\"%.64s\" is not a backend: each backend needs a command of its own, lists and ranges are for --to",
				 text);
	if (comma && comma[1] >= 'a' && comma[1] <= 'z')
		return set_comma_error(text, error);
	if (strlen(text) >= sizeof(work))
		return set_error(error, "\"%.64s...\" is not a backend: write " ENDPOINT,
				 text);
	strcpy(work, text);
	if (!split_port(work, &addr, &port, &bracketed, text, error) ||
	    !parse_address(addr, bracketed, text, &change->backend, error))
		return false;
	change->given |= GIVEN_ADDRESS;
	if (!port)
		return true;
	if (!parse_number(port, UINT16_MAX, &change->backend.port) ||
	    change->backend.port == 0)
		return set_error(error, "\"%s\": port \"%s\" is not a decimal number from 1 to 65535",
				 text, port);
	change->given |= GIVEN_PORT;
	return true;
}

/* A backend where a command takes no pool: "drain web 10.0.0.1:80" is a likely mistake. */
static bool parse_lone_backend(const char *command, char **words,
			       struct change *change, struct parse_error *error)
{
	struct parse_error ignored;

	if (parse_backend(words[0], change, error))
		return true;
	if (!words[1] || !pool_name_valid(words[0]) ||
	    !parse_backend(words[1], change, &ignored))
		return false;
	return set_error(error, "\"%s\" is not a backend: %s takes no pool; write \"%s %s\"",
			 words[0], command, command, words[1]);
}

/* Return: false if the text is no address, maybe with a prefix length. */
static bool parse_prefix(const char *text, struct change *filter)
{
	struct backend *backend = &filter->backend;
	size_t length = strcspn(text, "/");
	char addr[INET6_ADDRSTRLEN];

	if (length >= sizeof(addr))
		return false;
	memcpy(addr, text, length);
	addr[length] = '\0';
	if (inet_pton(AF_INET6, addr, backend->addr) == 1)
		backend->family = NFPROTO_IPV6;
	else if (inet_pton(AF_INET, addr, backend->addr) == 1)
		backend->family = NFPROTO_IPV4;
	else
		return false;
	filter->prefix = 8 * address_size(backend->family);
	return !text[length] ||
	       parse_number(text + length + 1, filter->prefix, &filter->prefix);
}

bool parse_client(const char *text, struct change *filter,
		  struct parse_error *error)
{
	memset(filter, 0, sizeof(*filter));
	if (parse_prefix(text, filter)) {
		filter->given = GIVEN_CLIENT;
		return true;
	}
	filter->given = GIVEN_POOL;
	filter->pool = text;
	if (pool_name_valid(text))
		return true;
	return set_error(error, "\"%.64s\" is neither a pool nor a client: write NAME, ADDR[/LEN] or ADDR6[/LEN]",
			 text);
}

/*
 * "proto any" selects the backend without a port. Without it, an address selects
 * its backends with a port as well.
 */
static bool parse_proto(const char *value, struct change *change,
			struct parse_error *error)
{
	if (!proto_number(value, &change->backend.proto))
		return set_error(error, "proto \"%.64s\" is not tcp, udp, sctp, dccp or udplite",
				 value);
	if (change->backend.proto == 0) {
		if (change->given & GIVEN_PORT)
			return set_error(error, "proto any is only for a backend without a port; write tcp, udp, sctp, dccp or udplite");
		change->given |= GIVEN_PORT;
	} else if (change->given & GIVEN_POOL && !(change->given & GIVEN_PORT)) {
		return set_error(error, "proto %s needs a port: a backend without a port has all protocols",
				 value);
	}
	return true;
}

/* Return: false if the value is not allowed. */
static bool parse_setting(const struct keyword *keyword, const char *value,
			  struct settings *settings)
{
	enum setting_id id = 0;
	uint32_t number = keyword->max;

	while (GIVEN_SETTING(id) != keyword->given)
		id++;
	if (id == SETTING_MAX_FAILS && strcmp(value, "default") == 0)
		number = LEASTCONN_MAX_FAILS_DEFAULT;
	else if (keyword->allowed &&
		 (!parse_number(value, keyword->max, &number) ||
		  number < keyword->min))
		return false;
	settings->value[id] = number;
	return true;
}

static bool parse_value(const struct keyword *keyword, const char *value,
			struct change *change, struct parse_error *error)
{
	struct backend *backend = &change->backend;
	bool ok = true;

	switch (keyword->given) {
	case GIVEN_PROTO:
		return parse_proto(value, change, error);
	case GIVEN_WEIGHT:
		ok = parse_number(value, keyword->max, &backend->weight);
		break;
	case GIVEN_MAX_CONNS:
		ok = parse_number(value, keyword->max, &backend->max_conns);
		break;
	case GIVEN_STATE:
		ok = state_number(value, &backend->state);
		break;
	case GIVEN_BACKUP:
		backend->backup = keyword->max;
		break;
	case GIVEN_KILL:
		break;
	case GIVEN_EJECTION_TIME:
		ok = parse_number(value, keyword->max, &change->ejection_time) &&
		     change->ejection_time >= keyword->min;
		break;
	default:
		ok = parse_setting(keyword, value, &change->settings);
		break;
	}
	if (!ok)
		return set_error(error, "%s \"%.64s\" is not %s", keyword->name, value,
				 keyword->allowed);
	return true;
}

/* Attributes in a rule are written "weight=3": a likely mistake. */
static bool set_unknown_word(const char *text, unsigned int takes,
			     const char *usage, struct parse_error *error)
{
	const struct keyword *keyword = find_assigned(text, takes);

	if (!keyword)
		return set_error(error, "unexpected \"%.64s\"; usage: %s", text,
				 usage);
	if (!keyword->allowed)
		return set_value_error(text, keyword, error);
	return set_error(error, "\"%.64s\": write \"%s %.64s\" with a space",
			 text, keyword->name, strchr(text, '=') + 1);
}

/* Keywords after the backend or the pool, in any order, each once. */
static bool parse_words(char **words, unsigned int takes, const char *usage,
			struct change *change, struct parse_error *error)
{
	const struct keyword *keyword;
	unsigned int seen = 0;
	const char *value;

	while (*words) {
		keyword = find_keyword(*words, strlen(*words), takes);
		if (!keyword)
			return set_unknown_word(*words, takes, usage, error);
		if (seen & keyword->given)
			return set_error(error, "\"%s\" repeats or contradicts an earlier argument",
					 keyword->name);
		seen |= keyword->given;
		value = keyword->allowed ? words[1] : "";
		if (!value)
			return set_error(error, "\"%s\" needs a value: %s",
					 keyword->name, keyword->allowed);
		if (!parse_value(keyword, value, change, error))
			return false;
		words += keyword->allowed ? 2 : 1;
	}
	change->given |= seen;
	return true;
}

bool parse_match(char **words, struct change *change, struct parse_error *error)
{
	static const char usage[] =
		"wait ADDR[:PORT] [proto P] [--timeout SEC]";

	memset(change, 0, sizeof(*change));
	if (!words[0])
		return set_error(error, "missing backend; usage: %s", usage);
	return parse_lone_backend("wait", words, change, error) &&
	       parse_words(words + 1, GIVEN_PROTO, usage, change, error);
}

static const struct verb *find_verb(char ***words)
{
	char two[16];
	unsigned int i;

	snprintf(two, sizeof(two), "%.7s %.7s", (*words)[0],
		 (*words)[1] ? (*words)[1] : "");
	for (i = 0; i < N_VERBS; i++) {
		if (strcmp(verbs[i].name, (*words)[0]) == 0) {
			*words += 1;
			return &verbs[i];
		}
		if (strchr(verbs[i].name, ' ') &&
		    strcmp(verbs[i].name, two) == 0) {
			*words += 2;
			return &verbs[i];
		}
	}
	return NULL;
}

static bool parse_operands(const struct verb *verb, char **words,
			   const char *usage, struct change *change,
			   struct parse_error *error)
{
	if (verb->needs & GIVEN_POOL) {
		if (!*words)
			return set_error(error, "%s: missing argument; usage: %s",
					 verb->name, usage);
		if (!parse_pool(*words, error))
			return false;
		change->pool = *words++;
		change->given |= GIVEN_POOL;
	}
	if (verb->needs & GIVEN_ADDRESS) {
		if (!*words)
			return set_error(error, "%s: missing argument; usage: %s",
					 verb->name, usage);
		if (!(verb->needs & GIVEN_POOL ?
		      parse_backend(words[0], change, error) :
		      parse_lone_backend(verb->name, words, change, error)))
			return false;
		words++;
	}
	if (!parse_words(words, verb->allows, usage, change, error))
		return false;
	/* A member of a pool without a port has port 0. */
	if (verb->needs == (GIVEN_POOL | GIVEN_ADDRESS))
		change->given |= GIVEN_PORT;
	return true;
}

bool parse_change(char **words, struct change *change,
		  struct parse_error *error)
{
	const struct verb *verb = find_verb(&words);
	char usage[192];

	memset(change, 0, sizeof(*change));
	if (!verb) {
		if (strcmp(words[0], "pool") == 0)
			return set_error(error, "unknown pool command; use pool add NAME, pool set NAME or pool del NAME; leastconnctl list shows the pools");
		return set_error(error, "command \"%.64s\" is not allowed here; allowed are pool add, pool set, pool del, add, set, del, drain, down, ready, eject and kill",
				 words[0]);
	}
	snprintf(usage, sizeof(usage), "%s %s", verb->name, verb->usage);
	change->op = verb->op;
	if (!parse_operands(verb, words, usage, change, error))
		return false;
	if (verb->op == LEASTCONN_OP_STATE) {
		change->backend.state = verb->state;
		change->given |= GIVEN_STATE;
	}
	return true;
}
