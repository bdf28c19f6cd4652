// SPDX-License-Identifier: GPL-2.0-only
/*
 * leastconnctl under libFuzzer, all of it but the terminal's part: any words and
 * any file become a message that the kernel's policy takes, or are refused; and
 * whatever a kernel may answer is printed or refused. What save prints restore
 * takes.
 *
 * An input's first byte is of enum kind. Then the words follow, a line each; or
 * the file for restore; or a byte for the command, and records of what the
 * socket receives: a byte of enum record, two for the length, the bytes.
 *
 * The tool is compiled with its main, exit, fopen and heap renamed to what is
 * below: what it holds when it exits is given back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>

#include "../array.h"
#include "../ctl/kernel.h"

#define MOST_WORDS	64

#define require(what)	((what) ? (void)0 : wrong(#what))

enum kind {
	WORDS,
	SCRIPT,
	ANSWERS,

	KINDS
};

enum record {
	ROW,		/* attributes of a message of the family */
	ERROR,		/* an acknowledgment, with whatever follows */
	DONE,
	DATAGRAM,	/* just these bytes */
	FAILURE,	/* of recv() */

	RECORDS
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int ctl_main(int argc, char **argv);
extern void (*message_prepare)(void);

/* ---- the run ---- */

static jmp_buf ended;
static char *printed, *complained;
static size_t printed_size, complained_size;

static void __attribute__((noreturn)) wrong(const char *what)
{
	dprintf(2, "not so: %s\n", what);
	abort();
}

void ctl_exit(int status) __attribute__((noreturn));
void ctl_exit(int status)
{
	longjmp(ended, 1 + status);
}

/* No file is there; what is restored comes from stdin. */
FILE *ctl_fopen(const char *name, const char *mode);
FILE *ctl_fopen(const char *name, const char *mode)
{
	(void)name, (void)mode;
	errno = ENOENT;
	return NULL;
}

/* No waiting. */
int ctl_nanosleep(const struct timespec *wanted, struct timespec *left);
int ctl_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted, (void)left;
	return 0;
}

/* ---- the heap ---- */

static struct block {
	struct block	*next;
	struct block	**before;
} *blocks;

static void *block_link(struct block *block)
{
	if (!block)
		return NULL;
	block->next = blocks;
	block->before = &blocks;
	if (blocks)
		blocks->before = &block->next;
	blocks = block;
	return block + 1;
}

static struct block *block_unlink(void *memory)
{
	struct block *block;

	if (!memory)
		return NULL;
	block = (struct block *)memory - 1;
	*block->before = block->next;
	if (block->next)
		block->next->before = block->before;
	return block;
}

void *ctl_malloc(size_t size);
void *ctl_malloc(size_t size)
{
	return block_link(malloc(sizeof(struct block) + size));
}

void *ctl_calloc(size_t count, size_t size);
void *ctl_calloc(size_t count, size_t size)
{
	return block_link(calloc(1, sizeof(struct block) + count * size));
}

void *ctl_realloc(void *memory, size_t size);
void *ctl_realloc(void *memory, size_t size)
{
	return block_link(realloc(block_unlink(memory),
				  sizeof(struct block) + size));
}

void *ctl_reallocarray(void *memory, size_t count, size_t size);
void *ctl_reallocarray(void *memory, size_t count, size_t size)
{
	return ctl_realloc(memory, count * size);
}

void ctl_free(void *memory);
void ctl_free(void *memory)
{
	free(block_unlink(memory));
}

char *ctl_strdup(const char *text);
char *ctl_strdup(const char *text)
{
	return strcpy(ctl_malloc(strlen(text) + 1), text);
}

ssize_t ctl_getline(char **text, size_t *room, FILE *file);
ssize_t ctl_getline(char **text, size_t *room, FILE *file)
{
	ssize_t length = 0;
	int c;

	while ((c = getc(file)) != EOF) {
		*text = ctl_realloc(*text, length + 2);
		(*text)[length++] = c;
		if (c == '\n')
			break;
	}
	*room = length + 1;
	if (!length)
		return -1;
	(*text)[length] = '\0';
	return length;
}

/* ---- what is sent ---- */

static bool family_asked, asked, dumps;
static int sent;	/* changes, or -1: none were */
static bool turned_away;	/* the kernel said EAGAIN: they may come once more */

static const struct {
	uint32_t	least, most;
} ranges[LEASTCONN_A_MAX + 1] = {
	[LEASTCONN_A_OP]	= { 1, LEASTCONN_OP_MAX },
	[LEASTCONN_A_FAMILY]	= { NFPROTO_IPV4, NFPROTO_IPV6 },
	[LEASTCONN_A_PORT]	= { 0, 65535 },
	[LEASTCONN_A_PROTO]	= { 0, 255 },
	[LEASTCONN_A_WEIGHT]	= { 0, 65535 },
	[LEASTCONN_A_MAX_CONNS]	= { 0, UINT32_MAX },
	[LEASTCONN_A_BACKUP]	= { 0, 1 },
	[LEASTCONN_A_STATE]	= { 0, LEASTCONN_STATE_MAX },
	[LEASTCONN_A_MAX_FAILS]	= { 0, UINT32_MAX },
	[LEASTCONN_A_FAIL_TIMEOUT] = { 1, LEASTCONN_MAX_SECONDS },
	[LEASTCONN_A_SLOW_START] = { 0, LEASTCONN_MAX_SECONDS },
	[LEASTCONN_A_PERSISTENT] = { 0, LEASTCONN_MAX_SECONDS },
	[LEASTCONN_A_PERSISTENT_MASK] = { 1, 128 },
	[LEASTCONN_A_REDISPATCH] = { 0, 1 },
	[LEASTCONN_A_CLIENT_PREFIX] = { 0, 128 },
	[LEASTCONN_A_EJECTION_TIME] = { 1, LEASTCONN_MAX_EJECTION_TIME },
};

/* Of a pool, and of nothing else. */
static const unsigned int settings[] = {
	LEASTCONN_A_MAX_FAILS, LEASTCONN_A_FAIL_TIMEOUT,
	LEASTCONN_A_SLOW_START, LEASTCONN_A_PERSISTENT,
	LEASTCONN_A_PERSISTENT_MASK, LEASTCONN_A_REDISPATCH,
};

static void check_name(const struct nlattr *attr)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789_.-";
	const char *name = mnl_attr_get_str(attr);

	require(!mnl_attr_validate(attr, MNL_TYPE_NUL_STRING));
	require(*name && strlen(name) < LEASTCONN_NAME_SIZE);
	require(strspn(name, allowed) == strlen(name));
}

/* Of a change or of a dump's request: each once, and in its range. */
static void check_attribute(const struct nlattr *attr, const struct nlattr **has)
{
	unsigned int type = mnl_attr_get_type(attr);

	require(type <= LEASTCONN_A_MAX && !has[type]);
	has[type] = attr;
	switch (type) {
	case LEASTCONN_A_POOL:
		check_name(attr);
		break;
	case LEASTCONN_A_ADDRESS:
	case LEASTCONN_A_CLIENT:
		require(has[LEASTCONN_A_FAMILY]);
		require(mnl_attr_get_payload_len(attr) ==
			(mnl_attr_get_u32(has[LEASTCONN_A_FAMILY]) == NFPROTO_IPV6 ? 16 : 4));
		break;
	case LEASTCONN_A_KILL:
	case LEASTCONN_A_AHEAD:
		require(!mnl_attr_get_payload_len(attr));
		break;
	default:
		require(ranges[type].most);
		require(mnl_attr_get_payload_len(attr) == 4);
		require(mnl_attr_get_u32(attr) >= ranges[type].least);
		require(mnl_attr_get_u32(attr) <= ranges[type].most);
	}
}

static void check_change(const struct nlattr *nest)
{
	const struct nlattr *has[LEASTCONN_A_MAX + 1] = {};
	const struct nlattr *attr;
	bool of_pool;
	uint32_t op;

	require(nest->nla_type == (LEASTCONN_A_CHANGE | NLA_F_NESTED));
	mnl_attr_for_each_nested(attr, nest)
		check_attribute(attr, has);
	require(has[LEASTCONN_A_OP]);
	op = mnl_attr_get_u32(has[LEASTCONN_A_OP]);
	of_pool = op < LEASTCONN_OP_ADD || op == LEASTCONN_OP_POOL_SET;
	require(!has[LEASTCONN_A_POOL] ==
		(op == LEASTCONN_OP_STATE || op == LEASTCONN_OP_KILL ||
		 op == LEASTCONN_OP_EJECT));
	require(!has[LEASTCONN_A_ADDRESS] == of_pool);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		require(!has[settings[i]] ||
			(of_pool && op != LEASTCONN_OP_POOL_DEL));
	require(op != LEASTCONN_OP_STATE || has[LEASTCONN_A_STATE]);
	require(!has[LEASTCONN_A_KILL] || op == LEASTCONN_OP_DEL);
	require(!has[LEASTCONN_A_EJECTION_TIME] || op == LEASTCONN_OP_EJECT);
	require(!has[LEASTCONN_A_AHEAD] || op == LEASTCONN_OP_STATE);
}

static void check_request(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *has[LEASTCONN_A_MAX + 1] = {};
	const struct nlattr *attr;

	require(nlh->nlmsg_type == KERNEL_FAMILY && nlh->nlmsg_flags & NLM_F_REQUEST);
	if (genl->cmd == LEASTCONN_CMD_CHANGE) {
		require(sent < 0 || turned_away);
		turned_away = false;
		sent = 0;
		mnl_attr_for_each(attr, nlh, sizeof(*genl)) {
			check_change(attr);
			sent++;
		}
		return;
	}
	require(genl->cmd == LEASTCONN_CMD_GET_POOLS ||
		genl->cmd == LEASTCONN_CMD_GET_BACKENDS ||
		genl->cmd == LEASTCONN_CMD_GET_CLIENTS ||
		genl->cmd == LEASTCONN_CMD_FLUSH_CLIENTS);
	require(!(nlh->nlmsg_flags & NLM_F_DUMP) ==
		(genl->cmd == LEASTCONN_CMD_FLUSH_CLIENTS));
	mnl_attr_for_each(attr, nlh, sizeof(*genl))
		check_attribute(attr, has);
}

/* ---- what is received ---- */

static const uint8_t *records, *records_end;

/* With the bytes of a record behind its head. */
static size_t put_bytes(struct nlmsghdr *nlh, const uint8_t *bytes, size_t size)
{
	memcpy(mnl_nlmsg_get_payload_tail(nlh), bytes, size);
	nlh->nlmsg_len += size;
	return MNL_ALIGN(nlh->nlmsg_len);
}

static size_t put_record(char *buf, uint8_t kind, const uint8_t *bytes,
			 size_t size)
{
	struct nlmsghdr *nlh;

	switch (kind % RECORDS) {
	case ROW:
		nlh = kernel_row(buf, 0);
		break;
	case ERROR:
		nlh = kernel_message(buf, NLMSG_ERROR,
				     NLM_F_ACK_TLVS | (kind & 64 ? NLM_F_CAPPED : 0));
		break;
	case DONE:
		nlh = kernel_message(buf, NLMSG_DONE,
				     NLM_F_MULTI | NLM_F_ACK_TLVS);
		break;
	default:
		memcpy(buf, bytes, size);
		kernel_limit_lengths(buf, size);
		return size;
	}
	if (kind & 128)
		nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
	return put_bytes(nlh, bytes, size);
}

static size_t put_end(void *buf)
{
	asked = false;
	return dumps ? kernel_put_done(buf, 0, 0) : kernel_put_ack(buf);
}

/* Return: its size, or 0: none is left. */
static size_t next_record(char *buf, size_t room)
{
	size_t size;
	uint8_t kind;

	if (records_end - records < 3)
		return 0;
	kind = records[0];
	size = records[1] | records[2] << 8;
	records += 3;
	if (size > (size_t)(records_end - records))
		size = records_end - records;
	if (size > room / 2)
		size = room / 2;
	records += size;
	return put_record(buf, kind, records - size, size);
}

static bool says_again(const char *buf, size_t size)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	int left = size;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const int *error = mnl_nlmsg_get_payload(nlh);

		if ((nlh->nlmsg_type == NLMSG_ERROR ||
		     nlh->nlmsg_type == NLMSG_DONE) &&
		    mnl_nlmsg_get_payload_len(nlh) >= sizeof(*error) &&
		    *error == -EAGAIN)
			return true;
	}
	return false;
}

/* ---- the kernel ---- */

void kernel_receive(const struct nlmsghdr *nlh, size_t length)
{
	require(nlh->nlmsg_len == length);
	family_asked = nlh->nlmsg_type == GENL_ID_CTRL;
	asked = !family_asked;
	dumps = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (asked)
		check_request(nlh);
}

static ssize_t fail_with(int error)
{
	errno = error;
	return -1;
}

static ssize_t send_answer(char *buf, size_t room)
{
	size_t size;

	if (family_asked) {
		family_asked = false;
		size = kernel_put_family(buf);
		return size + kernel_put_ack(buf + size);
	}
	if (records_end - records > 2 && records[0] % RECORDS == FAILURE) {
		records += 3;
		return fail_with(records[-2] % 2 ? ENOBUFS : EIO);
	}
	size = next_record(buf, room);
	if (size)
		return size;
	return asked ? (ssize_t)put_end(buf) : fail_with(ECONNRESET);
}

ssize_t kernel_send(char *buf, size_t room)
{
	ssize_t size = send_answer(buf, room);

	turned_away = turned_away || (size > 0 && says_again(buf, size));
	return size;
}

/* ---- a command ---- */

static int words_in(char **words)
{
	int count = 0;

	while (words[count])
		count++;
	return count;
}

/* The tool's status. What it printed is in @printed until the next one. */
static int run(char **words, const char *input, size_t size)
{
	FILE *const saved[] = { stdin, stdout, stderr };
	volatile int status;
	int jumped;

	free(printed);
	free(complained);
	stdin = fmemopen((void *)(size ? input : "\n"), size ?: 1, "r");
	stdout = open_memstream(&printed, &printed_size);
	stderr = open_memstream(&complained, &complained_size);
	message_prepare = NULL;
	sent = -1;
	turned_away = false;
	asked = family_asked = dumps = false;
	jumped = setjmp(ended);
	if (!jumped)
		status = ctl_main(words_in(words), words);
	else
		status = jumped - 1;
	fclose(stdin);
	fclose(stdout);
	fclose(stderr);
	stdin = saved[0];
	stdout = saved[1];
	stderr = saved[2];
	while (blocks)
		free(block_unlink(blocks + 1));
	require(status >= 0 && status <= 2);
	require(status == 0 || complained_size);
	/* Who misuses it has done nothing. */
	require(status != 2 || sent < 0);
	return status;
}

/* Of lines with a command, each is a change. */
static int commands_in(const char *text, size_t size)
{
	int count = 0;

	for (const char *end = text + size; text < end; ) {
		const char *next = memchr(text, '\n', end - text);
		size_t length = (next ?: end) - text;
		size_t blank = 0;

		while (blank < length && strchr(" \t\r", text[blank]) && text[blank])
			blank++;
		count += blank < length && text[blank] != '#';
		text += length + 1;
	}
	return count;
}

static int restore(const char *text, size_t size)
{
	char *words[] = { "leastconnctl", "restore", NULL };
	int status = run(words, text, size);

	if (sent >= 0)
		require(sent == commands_in(text, size));
	return status;
}

static void try_words(char *text)
{
	char *words[MOST_WORDS + 2] = { "leastconnctl" };
	int count = 1;

	for (char *word = strsep(&text, "\n"); word && count <= MOST_WORDS;
	     word = strsep(&text, "\n"))
		words[count++] = word;
	/* Those that wait for something, or want a terminal. */
	if (count > 1 && (!strcmp(words[1], "watch") || !strcmp(words[1], "wait")))
		return;
	run(words, "", 0);
	require(sent <= 1);
}

/* Any value that a kernel could send; TCP alone, to be simple. */
static bool row_is_honest(const void *bytes, size_t size)
{
	const struct nlattr *attr;
	uint64_t has = 0;

	mnl_attr_for_each_payload(bytes, size) {
		unsigned int type = mnl_attr_get_type(attr);

		if (type > LEASTCONN_A_MAX)
			return false;
		has |= 1ULL << type;
		if (ranges[type].most &&
		    (mnl_attr_get_payload_len(attr) != 4 ||
		     mnl_attr_get_u32(attr) < ranges[type].least ||
		     mnl_attr_get_u32(attr) > ranges[type].most))
			return false;
		if (type == LEASTCONN_A_PROTO && mnl_attr_get_u32(attr) != 6)
			return false;
		if (type == LEASTCONN_A_PORT && !mnl_attr_get_u32(attr))
			return false;
	}
	return !(has & 1ULL << LEASTCONN_A_ADDRESS) ||
	       (has & 1ULL << LEASTCONN_A_PORT && has & 1ULL << LEASTCONN_A_PROTO);
}

static bool rows_are_honest(void)
{
	const uint8_t *at = records;
	size_t size;

	for (; records_end - at >= 3; at += 3 + size) {
		size = at[1] | at[2] << 8;
		/* A kernel's messages end with the last attribute, which is padded. */
		if (size > (size_t)(records_end - at - 3) || at[0] & 128 ||
		    size % MNL_ALIGNTO)
			return false;
		if (at[0] % RECORDS == DONE)
			continue;
		if (at[0] % RECORDS != ROW || !row_is_honest(at + 3, size))
			return false;
	}
	return true;
}

static void try_answers(const uint8_t *bytes, size_t size)
{
	static char *const commands[][4] = {
		{ "leastconnctl", "list" },
		{ "leastconnctl", "list", "--json" },
		{ "leastconnctl", "list", "web" },
		{ "leastconnctl", "metrics" },
		{ "leastconnctl", "monitor" },
		{ "leastconnctl", "kill", "10.0.0.1" },
		{ "leastconnctl", "pool", "add" },
		{ "leastconnctl", "save" },
		{ "leastconnctl", "clients" },
		{ "leastconnctl", "clients", "--json" },
	};
	char *words[5] = {};
	bool honest;
	int status;

	memcpy(words, commands[bytes[0] % ARRAY_SIZE(commands)], sizeof(commands[0]));
	if (!strcmp(words[1], "pool"))
		words[3] = "web";
	records = bytes + 1;
	records_end = bytes + size;
	honest = rows_are_honest();
	status = run(words, "", 0);
	if (status == 0 && !strcmp(words[1], "save") && honest) {
		char *saved = strdup(printed);

		records = records_end;
		require(restore(saved, strlen(saved)) == 0);
		free(saved);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text;

	if (size < 2)
		return -1;
	records = records_end = NULL;
	text = malloc(size);
	memcpy(text, bytes + 1, size - 1);
	text[size - 1] = '\0';
	switch (bytes[0] % KINDS) {
	case WORDS:
		try_words(text);
		break;
	case SCRIPT:
		restore(text, size - 1);
		break;
	case ANSWERS:
		try_answers(bytes + 1, size - 1);
		break;
	}
	free(text);
	return 0;
}
