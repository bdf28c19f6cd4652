/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rule as rawrule sends it, and what the kernel makes of it.
 */
#ifndef RULE_H
#define RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netfilter/x_tables.h>

#include <linux/netfilter/xt_LEASTCONN.h>

#include "../array.h"

#define USERSIZE	offsetof(struct xt_leastconn_tginfo, pool)
#define MOST_INFO	60000
#define MOST_PATCHES	4
#define NO_HOOK		-1

/* The one that is there: lib.sh makes it. */
#define POOL		"web"

extern bool ipv6;

/**
 * struct patch - a number of legacy's framing that becomes another
 * @at: where it is: bytes from the begin of the entry, or of the table's head
 * @width: how many bytes it has
 * @head: it is in the table's head
 * @relative: @value is added to it
 * @value: what it becomes
 */
struct patch {
	size_t		at;
	unsigned int	width;
	bool		head;
	bool		relative;
	uint32_t	value;
};

/**
 * struct rule - what is sent
 * @info: the target's structure, and room for one that is too long
 * @size: how long it is said to be
 * @name: the target's, zeros behind it
 * @name_len: how many bytes of it are sent by netlink
 * @revision: the target's
 * @proto: the protocol that the rule matches, or claims to; 0: none
 * @inverted: it matches every other one
 * @told: it only claims to
 * @table: where it goes
 * @chain: where in it
 * @type: the type of a chain of our own, or NULL
 * @compat: nft: what it claims, added to the honest words
 * @patches: legacy: what becomes of its bytes in the end
 * @patched: how many of @patches there are
 * @backends: how many are in it, whatever it says
 * @framed: a mutation is outside of the structure
 * @said: the mutations, in words
 */
struct rule {
	union {
		struct xt_leastconn_tginfo	info;
		unsigned char			bytes[MOST_INFO];
	};
	size_t		size;
	char		name[XT_EXTENSION_MAXNAMELEN];
	size_t		name_len;
	unsigned int	revision;
	unsigned int	proto;
	bool		inverted;
	bool		told;
	const char	*table;
	const char	*chain;
	const char	*type;
	struct {
		uint32_t	proto;
		uint32_t	flags;
	} compat;
	struct patch	patches[MOST_PATCHES];
	unsigned int	patched;
	unsigned int	backends;
	bool		framed;
	char		said[512];
};

/* What the kernel shows of the rule it accepted. */
struct shown {
	uint64_t	handle;
	size_t		size;
	unsigned char	bytes[MOST_INFO];
};

/**
 * struct trial - a rule, and what came of it
 * @rule: the rule
 * @err: 0 or the errno of the refusal
 * @clean: accepted, it was shown as it was sent
 */
struct trial {
	struct rule	rule;
	int		err;
	bool		clean;
};

/**
 * struct door - a way into the kernel
 * @name: its name
 * @add: send the rule; 0 or the errno
 * @show: ask for the rule that was accepted
 * @remove: take it away
 * @try: send, show and remove at most %MOST_TRIALS rules, each for itself
 * @finish: after the last @try everything is as it was before the first
 */
struct door {
	const char	*name;
	int		(*add)(const struct rule *rule);
	void		(*show)(const struct rule *rule, struct shown *shown);
	void		(*remove)(const struct rule *rule,
				  const struct shown *shown);
	void		(*try)(struct trial *trials, unsigned int count);
	void		(*finish)(void);
};

#define MOST_TRIALS	64

extern const struct door legacy_door, nft_door;

void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...);

void rule_init(struct rule *rule, unsigned int backends);
void rule_add_backends(struct rule *rule, unsigned int backends);
void rule_set_backends(struct rule *rule, unsigned int backends);
void rule_set_no_settings(struct rule *rule);
int rule_hook(const struct rule *rule);
bool rule_is_clean(const struct rule *rule, const struct shown *shown);
void rule_meets_packets(const struct rule *rule);

#endif /* RULE_H */
