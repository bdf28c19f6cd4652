// SPDX-License-Identifier: GPL-2.0-only
/* What the family tells, as text. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_LEASTCONN.h>

#include "../array.h"
#include "listing.h"

void listing_add(struct listing *listing, const char *format, ...)
{
	va_list args;
	int more;

	if (listing->room - listing->length < 512) {
		listing->room = 2 * listing->room + 4096;
		listing->text = realloc(listing->text, listing->room);
		if (!listing->text)
			die("out of memory");
	}
	va_start(args, format);
	more = vsnprintf(listing->text + listing->length,
			 listing->room - listing->length, format, args);
	va_end(args);
	if (more < 0 || more >= 512)
		die("a line is too long");
	listing->length += more;
}

void listing_free(struct listing *listing)
{
	free(listing->text);
	*listing = (struct listing) { .counts = listing->counts };
}

/* ---- rows ---- */

/* Those of a backend, of one in a pool, of a pool; each has all of its own. */
#define BIT(name)	(1ULL << LEASTCONN_A_##name)
#define KEY		(BIT(FAMILY) | BIT(ADDRESS) | BIT(PORT) | BIT(PROTO))
#define BACKEND		(KEY | BIT(STATE) | BIT(ACTIVE) | BIT(INACTIVE) | \
			 BIT(TOTAL) | BIT(FAILS))
#define TERMS		(BIT(WEIGHT) | BIT(MAX_CONNS) | BIT(COUNTED) | \
			 BIT(BACKUP) | BIT(HEALTH) | BIT(REASON))
#define SETTINGS	(BIT(MAX_FAILS) | BIT(FAIL_TIMEOUT) | BIT(SLOW_START) | \
			 BIT(REDISPATCH) | BIT(PERSISTENT) | \
			 BIT(PERSISTENT_MASK))
#define POOL		(BIT(RULES) | BIT(MEMBERS) | SETTINGS)

/**
 * struct row - the attributes of a message
 * @at: each once
 * @has: which there are
 */
struct row {
	const struct nlattr	*at[LEASTCONN_A_MAX + 1];
	uint64_t		has;
};

static void read_row(const struct nlmsghdr *nlh, struct row *row)
{
	const struct nlattr *attr;
	unsigned int type;

	*row = (struct row) {};
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		type = mnl_attr_get_type(attr);
		if (type > LEASTCONN_A_MAX)
			die("attribute %u is in no contract", type);
		if (type == LEASTCONN_A_PAD)
			continue;
		if (row->at[type])
			die("attribute %u is there twice", type);
		row->at[type] = attr;
		row->has |= 1ULL << type;
	}
}

static uint32_t number(const struct row *row, unsigned int type)
{
	const struct nlattr *attr = row->at[type];

	if (mnl_attr_validate(attr, MNL_TYPE_U32))
		die("attribute %u is no number of 32 bits", type);
	return mnl_attr_get_u32(attr);
}

static uint64_t total(const struct row *row)
{
	const struct nlattr *attr = row->at[LEASTCONN_A_TOTAL];

	if (mnl_attr_validate(attr, MNL_TYPE_U64))
		die("a total is no number of 64 bits");
	return mnl_attr_get_u64(attr);
}

static const char *address(const struct row *row)
{
	static char text[INET6_ADDRSTRLEN];
	const struct nlattr *attr = row->at[LEASTCONN_A_ADDRESS];
	uint32_t family = number(row, LEASTCONN_A_FAMILY);

	if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6)
		die("family %u", family);
	if (mnl_attr_get_payload_len(attr) != (family == NFPROTO_IPV6 ? 16 : 4))
		die("an address of %u bytes", mnl_attr_get_payload_len(attr));
	inet_ntop(family, mnl_attr_get_payload(attr), text, sizeof(text));
	return text;
}

/* Return: " active inactive total" and what failed, if they are wanted. */
static const char *counts(const struct listing *listing, const struct row *row)
{
	uint32_t active = number(row, LEASTCONN_A_ACTIVE);
	uint32_t inactive = number(row, LEASTCONN_A_INACTIVE);
	uint32_t fails = number(row, LEASTCONN_A_FAILS);
	unsigned long long ever = total(row);
	static char text[96];
	int length;

	*text = '\0';
	if (!listing->counts)
		return text;
	length = snprintf(text, sizeof(text), " %u %u %llu", active, inactive,
			  ever);
	if (fails)
		snprintf(text + length, sizeof(text) - length, " fails=%u",
			 fails);
	return text;
}

static const char *state(const struct row *row)
{
	static const char *const states[] = { "ready", "drain", "down" };
	uint32_t value = number(row, LEASTCONN_A_STATE);

	if (value > LEASTCONN_STATE_MAX)
		die("state %u", value);
	return states[value];
}

/* Return: " ejected" or " trial", and why; of others nothing is said. */
static const char *health(const struct row *row)
{
	static const char *const healths[] = { "", " ejected", " trial" };
	static const char *const reasons[] = {
		"", " unanswered", " refused", " unreachable",
		" dropped", " manual",
	};
	static char text[32];
	uint32_t is, reason;

	if (!(row->has & BIT(HEALTH)))
		return "";
	is = number(row, LEASTCONN_A_HEALTH);
	reason = number(row, LEASTCONN_A_REASON);
	if (is > LEASTCONN_HEALTH_MAX || reason > LEASTCONN_REASON_MAX)
		die("health %u, reason %u", is, reason);
	if ((is == LEASTCONN_HEALTH_IN) != (reason == LEASTCONN_REASON_NONE))
		die("health %u has reason %u", is, reason);
	snprintf(text, sizeof(text), "%s%s", healths[is], reasons[reason]);
	return text;
}

/* Those that are not as a pool has them that is given none. */
static void add_settings(struct listing *listing, const struct row *row)
{
	static const struct {
		const char		*name;
		enum leastconn_attr	type;
		uint32_t		least, most, usual;
	} settings[] = {
		{ "max-fails", LEASTCONN_A_MAX_FAILS, 0, UINT32_MAX, UINT32_MAX },
		{ "fail-timeout", LEASTCONN_A_FAIL_TIMEOUT,
		  1, LEASTCONN_MAX_SECONDS, XT_LEASTCONN_FAIL_TIMEOUT },
		{ "slow-start", LEASTCONN_A_SLOW_START,
		  0, LEASTCONN_MAX_SECONDS, 0 },
		{ "redispatch", LEASTCONN_A_REDISPATCH, 0, 1, 0 },
		{ "persistent", LEASTCONN_A_PERSISTENT,
		  0, LEASTCONN_MAX_SECONDS, 0 },
		{ "persistent-mask", LEASTCONN_A_PERSISTENT_MASK, 1, 128, 128 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		uint32_t value = number(row, settings[i].type);

		if (value < settings[i].least || value > settings[i].most)
			die("%s is %u", settings[i].name, value);
		if (value != settings[i].usual)
			listing_add(listing, " %s=%u", settings[i].name, value);
	}
}

static void add_backend(struct listing *listing, const struct row *row)
{
	listing_add(listing, "%s %u %u ", address(row),
		    number(row, LEASTCONN_A_PORT),
		    number(row, LEASTCONN_A_PROTO));
	if (row->has & TERMS)
		listing_add(listing, "weight=%u max=%u backup=%u ",
			    number(row, LEASTCONN_A_WEIGHT),
			    number(row, LEASTCONN_A_MAX_CONNS),
			    number(row, LEASTCONN_A_BACKUP));
	listing_add(listing, "%s%s%s\n", state(row), health(row),
		    counts(listing, row));
}

void listing_add_row(struct listing *listing, const struct nlmsghdr *nlh)
{
	struct row row;
	uint64_t has;

	read_row(nlh, &row);
	has = row.has & ~BIT(EVENT);
	if (has & BIT(POOL)) {
		if (mnl_attr_validate(row.at[LEASTCONN_A_POOL],
				      MNL_TYPE_NUL_STRING))
			die("a pool's name is no string");
		listing_add(listing, "%s ",
			    mnl_attr_get_str(row.at[LEASTCONN_A_POOL]));
	} else if (has & BIT(RULE)) {
		number(&row, LEASTCONN_A_RULE);
		listing_add(listing, "rule ");
	}
	switch (has & ~(BIT(POOL) | BIT(RULE))) {
	case POOL:
		listing_add(listing, "rules=%u members=%u",
			    number(&row, LEASTCONN_A_RULES),
			    number(&row, LEASTCONN_A_MEMBERS));
		add_settings(listing, &row);
		listing_add(listing, "\n");
		break;
	case BACKEND:
	case BACKEND | TERMS:
		add_backend(listing, &row);
		break;
	default:
		die("a row has attributes %#llx", (unsigned long long)row.has);
	}
}

static void read_listing(const struct nlmsghdr *nlh, void *data)
{
	listing_add_row(data, nlh);
}

void list(struct listing *listing, struct talk *talk, uint8_t cmd,
	  const char *filter, struct answer *answer)
{
	struct message *message = message_new(cmd);

	/* So that an empty one is a text, too. */
	listing_add(listing, "%s", "");
	attributes(message, "%s", filter);
	ask(talk, message, read_listing, listing, answer);
	message_free(message);
}

static void add_proc(struct listing *listing)
{
	FILE *file = fopen("/proc/thread-self/net/leastconn", "r");
	char line[256];

	if (!file)
		die("/proc/net/leastconn: %m");
	while (fgets(line, sizeof(line), file))
		listing_add(listing, "%s", line);
	fclose(file);
}

void list_all(struct listing *listing, struct talk *talk)
{
	struct answer answer;

	list(listing, talk, LEASTCONN_CMD_GET_POOLS, "", &answer);
	if (answer.error)
		die("listing pools: %s", strerror(answer.error));
	list(listing, talk, LEASTCONN_CMD_GET_BACKENDS, "", &answer);
	if (answer.error)
		die("listing backends: %s", strerror(answer.error));
	add_proc(listing);
}

void say_difference(const char *wanted, const char *got)
{
	const char *line = wanted, *other = got;
	unsigned int number = 1;

	while (*wanted && *wanted == *got) {
		if (*wanted == '\n') {
			number++;
			line = wanted + 1;
			other = got + 1;
		}
		wanted++;
		got++;
	}
	printf("# line %u: expected \"%.*s\", got \"%.*s\"\n", number,
	       (int)strcspn(line, "\n"), line,
	       (int)strcspn(other, "\n"), other);
}
