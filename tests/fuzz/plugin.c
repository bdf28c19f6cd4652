// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plugin under libFuzzer: any words become a rule that the header promises,
 * or are refused by a message that quotes them; the rule's text becomes the
 * same rule again; and any bytes that a kernel may hold become text.
 *
 * An input's first byte is of the bits below, the second a protocol; the rest
 * are the arguments of --to, a line each, the last one's perhaps --pool's, lines
 * with another option and perhaps its argument, or the bytes of the structure.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xtables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "../rawrule/promise.h"

#define IS_IPV6		0x01
#define IS_INVERTED	0x02	/* ! -p PROTO */
#define IS_BYTES	0x04	/* not words */
#define IS_POOL		0x08	/* the last word is --pool's */

#define USERSIZE	offsetof(struct xt_leastconn_tginfo, pool)
#define MOST_TEXT	65536

#define require(what)	((what) ? (void)0 : wrong(#what))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/**
 * struct rule - a rule on a command line
 * @ipv6: of ip6tables
 * @ports: it matches a protocol that has some
 * @target: the plugin's part of it
 * @entry: what the front end knows of it already
 */
struct rule {
	bool			ipv6;
	bool			ports;
	struct xtables_target	target;
	union {
		struct ipt_entry	ipv4;
		struct ip6t_entry	ipv6;
	} entry;
};

static struct xtables_target *plugin;	/* IPv4's, IPv6's */
static char said[MOST_TEXT];		/* the refusal */
static char text[MOST_TEXT];		/* what the plugin printed */
static jmp_buf refused;

static void __attribute__((noreturn)) wrong(const char *what)
{
	fprintf(stderr, "not so: %s\nrefusal: %s\ntext: %s\n", what, said, text);
	abort();
}

/* ---- in place of iptables ---- */

void xtables_register_targets(struct xtables_target *targets, unsigned int n)
{
	require(n == 2);
	plugin = targets;
}

static void __attribute__((noreturn, format(printf, 2, 3)))
exit_error(enum xtables_exittype status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	require(status == PARAMETER_PROBLEM);
	longjmp(refused, 1);
}

static struct xtables_globals globals = {
	.program_name	= "fuzz",
	.exit_err	= exit_error,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return xtables_init_all(&globals, NFPROTO_IPV4);
}

static void rule_init(struct rule *rule, uint8_t kind, uint8_t proto)
{
	bool inverted = kind & IS_INVERTED;

	*rule = (struct rule) {
		.ipv6 = kind & IS_IPV6,
		.ports = proto_has_ports(proto) && !inverted,
	};
	if (rule->ipv6) {
		rule->entry.ipv6.ipv6.proto = proto;
		rule->entry.ipv6.ipv6.invflags = inverted ? XT_INV_PROTO : 0;
	} else {
		rule->entry.ipv4.ip.proto = proto;
		rule->entry.ipv4.ip.invflags = inverted ? XT_INV_PROTO : 0;
	}
	rule->target = plugin[rule->ipv6];
	/* Each of its own, so that the sanitizer knows where they end. */
	rule->target.t = calloc(1, sizeof(struct xt_entry_target) +
				   rule->target.size);
	rule->target.udata = calloc(1, rule->target.udata_size);
}

static void rule_exit(struct rule *rule)
{
	free(rule->target.udata);
	free(rule->target.t);
}

static struct xt_leastconn_tginfo *rule_info(struct rule *rule)
{
	return (struct xt_leastconn_tginfo *)rule->target.t->data;
}

/* ---- words into a rule ---- */

/* "--SETTING", and its value behind a blank if it has one. NULL: no setting. */
static const struct xt_option_entry *setting_of(struct rule *rule,
						const char *word)
{
	const struct xt_option_entry *entry = rule->target.x6_options;
	size_t length;

	if (strncmp(word, "--", 2))
		return NULL;
	word += 2;
	for (; entry->name; entry++) {
		length = strlen(entry->name);
		if (strcmp(entry->name, "to") && strcmp(entry->name, "pool") &&
		    !strncmp(word, entry->name, length) &&
		    word[length] == (entry->type == XTTYPE_NONE ? '\0' : ' '))
			return entry;
	}
	return NULL;
}

static void parse_option(struct rule *rule, const char *option, char *word)
{
	const struct xt_option_entry *entry = rule->target.x6_options;

	while (strcmp(entry->name, option))
		entry++;
	optarg = word;
	xtables_option_tpcall(entry->id, NULL, false, &rule->target,
			      &rule->entry);
}

static void parse_word(struct rule *rule, char *word)
{
	const struct xt_option_entry *entry = setting_of(rule, word);

	if (!entry)
		parse_option(rule, "to", word);
	/* Twice is for iptables to refuse, in its own words. */
	else if (!(rule->target.tflags & 1U << entry->id))
		parse_option(rule, entry->name, entry->type == XTTYPE_NONE ?
			     NULL : strchr(word, ' ') + 1);
}

/* It says what was wrong. */
static void check_refusal(const char *word)
{
	static const char quote[] = "LEASTCONN: \"", missing[] = "LEASTCONN: no ";
	const char *part, *end;

	if (!word && !strncmp(said, missing, strlen(missing)))
		return;
	require(!strncmp(said, quote, strlen(quote)));
	part = said + strlen(quote);
	end = strstr(part, "\": ");
	require(end);
	/* What is wrong with the whole, a port, is quoted as it is printed. */
	require(!word || memmem(word, strlen(word), part, end - part));
}

/* Each word ends with a zero. False: refused. */
static bool parse(struct rule *rule, uint8_t kind, char *words, size_t size)
{
	char *volatile word = NULL;
	bool last;

	if (setjmp(refused)) {
		check_refusal(word);
		return false;
	}
	for (char *next = words; next < words + size; next += strlen(next) + 1) {
		word = next;
		last = next + strlen(next) + 1 == words + size;
		if (last && kind & IS_POOL)
			parse_option(rule, "pool", next);
		else
			parse_word(rule, next);
	}
	word = NULL;
	xtables_option_tfcall(&rule->target);
	return true;
}

/* ---- a rule into words ---- */

/* Runs @print with stdout into @text. */
static void capture(struct rule *rule, bool save)
{
	FILE *terminal = stdout;

	stdout = fmemopen(text, sizeof(text), "w");
	require(stdout);
	if (save)
		rule->target.save(&rule->entry, rule->target.t);
	else
		rule->target.print(&rule->entry, rule->target.t, 1);
	require(ftell(stdout) < (long)sizeof(text) - 1);
	fputc('\0', stdout);
	require(!fclose(stdout));
	stdout = terminal;
}

/* " --to A --to B --max-fails 3" into "A\0B\0--max-fails 3\0"; returns its size. */
static size_t cut_words(char *words)
{
	char *to = words;

	if (!strncmp(text, " --pool ", 8)) {
		strcpy(words, text + 8);
		return strlen(words) + 1;
	}
	for (char *at = text, *next; at; at = next) {
		require(!strncmp(at, " --", 3));
		next = strstr(at + 3, " --");
		if (next)
			*next = '\0';
		to = stpcpy(to, at + (strncmp(at, " --to ", 6) ? 1 : 6)) + 1;
		if (next)
			*next = ' ';
	}
	return to - words;
}

static void print_and_parse(struct rule *rule, uint8_t kind, uint8_t proto)
{
	static char words[MOST_TEXT];
	struct rule again;
	size_t size;

	kind = rule_info(rule)->name[0] ? kind | IS_POOL : kind & ~IS_POOL;
	capture(rule, false);
	require(strstr(text, kind & IS_POOL ? " pool:" : " to:") == text);
	capture(rule, true);
	size = cut_words(words);
	rule_init(&again, kind, proto);
	require(parse(&again, kind, words, size));
	require(!memcmp(rule_info(rule), rule_info(&again), USERSIZE));
	rule_exit(&again);
}

/* ---- inputs ---- */

static void try_words(struct rule *rule, uint8_t kind, uint8_t proto,
		      const uint8_t *bytes, size_t size)
{
	char *words = malloc(size + 1), *last;

	memcpy(words, bytes, size);
	words[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if (words[i] == '\n')
			words[i] = '\0';
	if (parse(rule, kind, words, size ? size + 1 : 0)) {
		last = memrchr(words, '\0', size);
		last = last ? last + 1 : words;
		/* Of a name that is cut the promise knows nothing. */
		require(!strcmp(rule_info(rule)->name, kind & IS_POOL ? last : ""));
		require(promise_is_kept(rule_info(rule), rule->ipv6,
					rule->ports));
		print_and_parse(rule, kind, proto);
	}
	free(words);
}

/* Whatever a kernel holds can be listed, and what it would take comes back. */
static void try_bytes(struct rule *rule, uint8_t kind, uint8_t proto,
		      const uint8_t *bytes, size_t size)
{
	memcpy(rule_info(rule), bytes, size < USERSIZE ? size : USERSIZE);
	if (promise_is_kept(rule_info(rule), rule->ipv6, rule->ports)) {
		print_and_parse(rule, kind, proto);
		return;
	}
	capture(rule, false);
	/* A name without an end is not all that comes after it. */
	if (rule_info(rule)->name[0] && !rule_info(rule)->count)
		require(strlen(text) < strlen(" pool:") + XT_LEASTCONN_NAME_SIZE);
	capture(rule, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct rule rule;

	if (size < 2)
		return -1;
	*said = *text = '\0';
	rule_init(&rule, bytes[0], bytes[1]);
	if (bytes[0] & IS_BYTES)
		try_bytes(&rule, bytes[0], bytes[1], bytes + 2, size - 2);
	else
		try_words(&rule, bytes[0], bytes[1], bytes + 2, size - 2);
	rule_exit(&rule);
	return 0;
}
