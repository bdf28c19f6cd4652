// SPDX-License-Identifier: GPL-2.0-only
/* The namespace of a cell: client, balancer and servers on its lo. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"

#define BACKENDS	4
#define PORT		80
#define MOST		64	/* processors */
#define NOWHERE		3	/* in addresses[], when nothing is to be recorded */

static const char *addresses[BACKENDS];
static const char *vip;
static const struct door *door;
static struct rule to_rule, pool_rule;
static struct talk *talk;
static int listener = -1;

/* Of columns of /proc/net/leastconn. */
struct sums {
	int active, inactive, total, fails, ejected;
};

static struct sums sums(void)
{
	FILE *file = fopen("/proc/thread-self/net/leastconn", "r");
	struct sums all = {}, one;
	char line[256];

	if (!file)
		die("/proc/net/leastconn: %m");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %d %d %d %*s %d %d",
			   &one.active, &one.inactive, &one.total, &one.fails,
			   &one.ejected) != 5)
			continue;
		all.active += one.active;
		all.inactive += one.inactive;
		all.total += one.total;
		all.fails += one.fails;
		all.ejected += one.ejected;
	}
	fclose(file);
	return all;
}

/* ---- pools and states ---- */

/* Return: errno, or 0. */
static int try_changes(const char *lines)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);
	struct answer answer;

	changes(message, lines);
	ask(talk, message, NULL, NULL, &answer);
	message_free(message);
	if (answer.error && answer.error != EBUSY)
		die("%s: %s %s", lines, strerror(answer.error), answer.text);
	return answer.error;
}

/* nft lets go of a rule a little later. */
static void do_changes(const char *lines)
{
	unsigned int left = 2000;

	while (try_changes(lines)) {
		if (!left--)
			die("%s: busy for ever", lines);
		pause_ms(5);
	}
}

static int add_line(char *text, const char *verb, const char *addr,
		    const char *rest)
{
	return sprintf(text, "%s addr=%s port=%d%s\n", verb, addr, PORT, rest);
}

/* Of all backends, or those of which there is a bit. */
static void do_each(const char *verb, const char *rest, unsigned int which)
{
	char text[1024];
	int length = 0;

	for (unsigned int i = 0; i < BACKENDS; i++)
		if (which & 1 << i)
			length += add_line(text + length, verb, addresses[i],
					   rest);
	do_changes(text);
}

static void set_state(unsigned int state, unsigned int which)
{
	char rest[64];

	sprintf(rest, " proto=6 state=%u ahead", state);
	do_each("state", rest, which);
}

#define ALL	((1 << BACKENDS) - 1)

/* ---- rules ---- */

static unsigned int fail_timeout(const struct cell *cell)
{
	return cell->value[D_HEALTH] == TRIAL ? 1 : 600;
}

static void set_backend(struct xt_leastconn_backend *backend, const char *addr)
{
	*backend = (struct xt_leastconn_backend) {
		.weight	= 1,
		.port	= htons(PORT),
	};
	inet_pton(ipv6 ? AF_INET6 : AF_INET, addr, &backend->addr);
}

static void add_to_rule(const struct cell *cell)
{
	struct xt_leastconn_tginfo *info = &to_rule.info;
	int err;

	rule_init(&to_rule, BACKENDS);
	for (unsigned int i = 0; i < BACKENDS; i++)
		set_backend(&info->backends[i], addresses[i]);
	info->max_fails = cell->value[D_HEALTH] != IN;
	info->fail_timeout = fail_timeout(cell);
	info->slow_start = cell->value[D_SLOW] * 60;
	info->persistent = cell->value[D_PERSISTENT] * 600;
	if (cell->value[D_RECORD] == WAITING)
		info->flags = XT_LEASTCONN_REDISPATCH;
	to_rule.chain = "OUTPUT";
	err = door->add(&to_rule);
	if (err)
		die("rule with backends: %s", strerror(err));
}

static void add_pool_rule(void)
{
	int err;

	rule_init(&pool_rule, 0);
	rule_set_no_settings(&pool_rule);
	strcpy(pool_rule.info.name, POOL);
	pool_rule.chain = "OUTPUT";
	err = door->add(&pool_rule);
	if (err)
		die("rule with a pool: %s", strerror(err));
}

static void del_pool_rule(void)
{
	static struct shown shown;

	door->show(&pool_rule, &shown);
	door->remove(&pool_rule, &shown);
}

static void add_pool(const struct cell *cell)
{
	char text[256];

	sprintf(text, "pool_add pool=" POOL " max-fails=%d fail-timeout=%u "
		"slow-start=%u persistent=%u redispatch=%d\n",
		cell->value[D_HEALTH] != IN, fail_timeout(cell),
		cell->value[D_SLOW] * 60, cell->value[D_PERSISTENT] * 600,
		cell->value[D_RECORD] == WAITING);
	do_changes(text);
	do_each("add pool=" POOL, "", ALL);
}

static void add_rules(const struct cell *cell)
{
	switch (cell->value[D_KNOWN]) {
	case AHEAD:
		break;
	case BY_RULE:
		add_to_rule(cell);
		break;
	case BY_BOTH:
		add_pool(cell);
		add_to_rule(cell);
		break;
	default:
		add_pool(cell);
		add_pool_rule();
	}
}

/* ---- connections ---- */

/* A server's end for each that was accepted. */
static void each_accepted(void (*what)(int fd))
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		what(fd);
}

static void just_close(int fd)
{
	close(fd);
}

static const char *target_of(const struct cell *cell)
{
	return cell->value[D_KNOWN] == AHEAD ? addresses[0] : vip;
}

/* One on each processor, in the state that is wanted. */
static void connect_all(const struct cell *cell)
{
	unsigned int count = processors(), record = cell->value[D_RECORD];
	int fds[MOST];

	if (record == NONE && cell->value[D_KNOWN] == AHEAD)
		return;
	for (unsigned int i = 0; i < count; i++) {
		run_on(i);
		fds[i] = tcp_open(target_of(cell), PORT);
		if (record == CLOSED) {
			shutdown(fds[i], SHUT_RDWR);
			each_accepted(just_close);
		}
	}
	run_anywhere();
	for (unsigned int i = 0; i < count; i++)
		close_silently(fds[i]);
	if (listener >= 0)
		each_accepted(close_silently);
}

/* Not of servers that listen. */
static void fail_some(const struct cell *cell)
{
	static const int times[HEALTHS] = { 0, 1, 1, 2 };
	unsigned int patience = 2000;
	int wanted = times[cell->value[D_HEALTH]];
	struct sums now;

	if (cell->value[D_KNOWN] == AHEAD)
		return;
	for (int i = 0; i < wanted; i++) {
		close_silently(tcp_open(vip, PORT));
		do {
			now = sums();
			if (!patience--)
				die("%s: %d failed, %d ejected",
				    cell_text(cell), now.fails, now.ejected);
			pause_ms(5);
		} while (now.fails < i + 1 || !now.ejected);
	}
}

static bool is_right(const struct cell *cell, const struct sums *before)
{
	const int count = processors();
	const struct sums now = sums();

	switch (cell->value[D_RECORD]) {
	case NONE:
		return now.total == before->total;
	case CLOSED:
		return now.inactive - before->inactive == count;
	case FAILED:
		return now.fails - before->fails == count;
	case WAITING:
		return now.fails - before->fails == count &&
		       now.active == before->active;
	default:
		return now.active - before->active == count;
	}
}

static void check_records(const struct cell *cell, const struct sums *before)
{
	unsigned int patience = 200;

	/* Nothing fails over to what no pool has. */
	if (cell->value[D_KNOWN] == AHEAD)
		return;
	while (!is_right(cell, before)) {
		if (!patience--)
			die("%s: the connections are in another state",
			    cell_text(cell));
		pause_ms(5);
	}
}

/* ---- the whole ---- */

static void listen_if_wanted(const struct cell *cell)
{
	unsigned int record = cell->value[D_RECORD];

	if (record == YOUNG || record == OLD || record == CLOSED)
		listener = tcp_listen(PORT);
}

static void set_addresses(const struct cell *cell)
{
	static const char *const of4[] = { "127.0.0.11", "127.0.0.12",
					   "127.0.0.13", "127.0.0.14" };
	static const char *const of6[] = { "fd00::11", "fd00::12",
					   "fd00::13", "fd00::14" };

	memcpy(addresses, ipv6 ? of6 : of4, sizeof(addresses));
	vip = ipv6 ? "fd00::100" : "127.0.0.100";
	if (cell->value[D_RECORD] == NONE)
		addresses[NOWHERE] = ipv6 ? "2001:db8::1" : "192.0.2.1";
}

void tenant_build(const struct cell *cell)
{
	ipv6 = cell->value[D_FAMILY];
	door = cell->value[D_FRONT] ? &nft_door : &legacy_door;
	set_addresses(cell);
	lo_up(ipv6);
	talk = talk_open();
	/* It keeps the module until this namespace has ended. */
	do_changes("pool_add pool=keep");
	if (cell->value[D_KNOWN] == AHEAD && cell->value[D_STATE])
		set_state(cell->value[D_STATE], ALL);
	else if (cell->value[D_RECORD] == NONE)
		set_state(LEASTCONN_STATE_DOWN, 1 << NOWHERE);
	add_rules(cell);
	fail_some(cell);
	listen_if_wanted(cell);
	if (cell->value[D_RECORD] == OLD)
		connect_all(cell);
}

static void change_known(const struct cell *cell)
{
	switch (cell->value[D_KNOWN]) {
	case NO_RULE:
		del_pool_rule();
		break;
	case EMPTIED:
		do_each("del pool=" POOL, "", ALL);
		break;
	case ALONE:
		del_pool_rule();
		do_changes("pool_del pool=" POOL);
		break;
	}
}

/* A dump goes on when it is read. */
static int unread_dump(void)
{
	struct message *message = message_new(LEASTCONN_CMD_GET_POOLS);

	talk_mark(talk, message->nlh);
	message->nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	if (!talk_send(talk, message->nlh))
		die("dump: %m");
	message_free(message);
	return mnl_socket_get_fd(talk_socket(talk));
}

int tenant_choose(const struct cell *cell)
{
	const bool pooled = cell->value[D_KNOWN] != AHEAD;
	struct sums before;

	if (pooled && cell->value[D_RECORD] == NONE) {
		set_state(LEASTCONN_STATE_READY, 1 << NOWHERE);
		set_state(LEASTCONN_STATE_DRAIN, ALL & ~(1 << NOWHERE));
	}
	before = sums();
	connect_all(cell);
	check_records(cell, &before);
	if (pooled)
		set_state(cell->value[D_STATE], ALL);
	change_known(cell);
	return cell->value[D_READER] == DUMP ? unread_dump() : -1;
}

/* Its rules and pools, as tenant_build() made them. */
unsigned int tenant_module_uses(const struct cell *cell)
{
	switch (cell->value[D_KNOWN]) {
	case AHEAD:
		return 1;
	case BY_RULE:
		return 2;
	default:
		return 3;
	}
}
