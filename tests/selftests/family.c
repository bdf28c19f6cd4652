// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control family, message by message: what uapi's leastconn.h promises.
 *
 *	family TEST
 *
 * runs one test in a network namespace of its own, as root. At its end all
 * pools are deleted and all backends are ready: then nothing may be left.
 * Exit status: 0 it is so, 1 it is not, 4 it cannot be seen here.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/netfilter.h>

#include "../genl/clean.h"
#include "../genl/listing.h"

#define MANY	4200	/* backends of a pool, more than a piece of a dump */

#define NAME31	"abcdefghijklmnopqrstuvwxyz01234"

static struct talk *talk;

/* Of many cases the one that is tried, for those who ask why it failed. */
static const char *about;
static unsigned int beside;

static void say_what(void)
{
	if (about)
		printf("# %s, and %u\n", about, beside);
}

/* ---- what is asked, and what is so ---- */

#define fail(...) die_at(__FILE__, line, __VA_ARGS__)

static void compare(int line, const char *what, const char *wanted,
		    const char *got)
{
	if (!strcmp(wanted, got))
		return;
	say_difference(wanted, got);
	fail("%s", what);
}

/* The message is freed. Return: the number of entries killed, or -1. */
static int64_t accepted_at(int line, struct message *message)
{
	struct answer answer;

	ask(talk, message, NULL, NULL, &answer);
	if (answer.error)
		fail("refused: %s: %s, at %u", strerrorname_np(answer.error),
		     answer.text, answer.offset);
	message_free(message);
	return answer.killed;
}

static struct message *message_of(const char *lines)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);

	changes(message, lines);
	return message;
}

#define accepted(lines)	accepted_at(__LINE__, message_of(lines))

/* Errors that the policy has; whichever it takes. */
#define POLICY		0

static void check_refusal(int line, const struct answer *answer, int error,
			  uint32_t offset, const char *text)
{
	if (error == POLICY
	    ? answer->error != EINVAL && answer->error != ERANGE
	    : answer->error != error)
		fail("%s: %s, not %s",
		     answer->error ? strerrorname_np(answer->error) : "done",
		     answer->text,
		     error ? strerrorname_np(error) : "EINVAL or ERANGE");
	if (text && strcmp(text, answer->text))
		fail("it says \"%s\", not \"%s\"", answer->text, text);
	if (answer->offset != offset)
		fail("it points at %u, not %u: %s", answer->offset, offset,
		     answer->text);
	if (answer->killed >= 0)
		fail("refused, and %lld killed", (long long)answer->killed);
}

/* Nothing has changed by it. The message is freed. */
static void refused_at(int line, struct message *message, int error,
		       uint32_t offset, const char *text)
{
	struct listing before = { .counts = true }, after = { .counts = true };
	struct answer answer;

	list_all(&before, talk);
	ask(talk, message, NULL, NULL, &answer);
	check_refusal(line, &answer, error, offset, text);
	list_all(&after, talk);
	compare(line, "a refused message has changed something", before.text,
		after.text);
	listing_free(&before);
	listing_free(&after);
	message_free(message);
}

/* It is about the last one of the lines. */
static void last_refused(int line, const char *lines, int error,
			 const char *text)
{
	struct message *message = message_of(lines);

	refused_at(line, message, error, message->changes[message->count - 1],
		   text);
}

#define refused(...)	last_refused(__LINE__, __VA_ARGS__)

/* It is about an attribute of the only one. */
static void attribute_refused(int line, const char *words, unsigned int type,
			      int error, const char *text)
{
	struct message *message = message_of(words);

	refused_at(line, message, error,
		   attribute_of_change(message, 0, type), text);
}

static void listing_is(int line, uint8_t cmd, const char *filter,
		       const char *wanted)
{
	struct listing listing = {};
	struct answer answer;

	list(&listing, talk, cmd, filter, &answer);
	if (answer.error)
		fail("refused: %s: %s", strerrorname_np(answer.error),
		     answer.text);
	compare(line, "the listing", wanted, listing.text);
	listing_free(&listing);
}

#define pools_are(wanted)						\
	listing_is(__LINE__, LEASTCONN_CMD_GET_POOLS, "", wanted)
#define pool_is(name, wanted)						\
	listing_is(__LINE__, LEASTCONN_CMD_GET_POOLS, "pool=" name, wanted)
#define backends_are(wanted)						\
	listing_is(__LINE__, LEASTCONN_CMD_GET_BACKENDS, "", wanted)
#define matching_are(filter, wanted)					\
	listing_is(__LINE__, LEASTCONN_CMD_GET_BACKENDS, filter, wanted)

static bool kernel_is_from(int major, int minor)
{
	struct utsname name;
	int is_major, is_minor;

	uname(&name);
	if (sscanf(name.release, "%d.%d", &is_major, &is_minor) != 2)
		return false;
	return is_major > major || (is_major == major && is_minor >= minor);
}

static void listing_refused(int line, uint8_t cmd, const char *filter,
			    unsigned int type, int error, const char *text)
{
	struct message *message = message_new(cmd);
	struct listing listing = {};
	struct answer answer;

	attributes(message, "%s", filter);
	list(&listing, talk, cmd, filter, &answer);
	/* Older kernels have no words for a dump that does not begin. */
	if (text && !*answer.text && !kernel_is_from(6, 12))
		check_refusal(line, &answer, error, answer.offset, NULL);
	else
		check_refusal(line, &answer, error,
			      attribute_of(message, type), text);
	if (answer.rows)
		fail("refused, and %u rows", answer.rows);
	listing_free(&listing);
	message_free(message);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Patience is multiplied where the processor is slow. */
static uint64_t deadline(unsigned int ms)
{
	const char *slow = getenv("LC_SLOW");

	return now_ms() + ms * (slow ? atoi(slow) : 1);
}

static void nap(void)
{
	usleep(10000);
}

static void nothing_is_left(void);

/* ---- the tests ---- */

static void test_pools(void)
{
	pools_are("");
	accepted("pool_add pool=web");
	accepted("pool_add pool=" NAME31 "\npool_add pool=_.-");
	pools_are("web rules=0 members=0\n"
		  NAME31 " rules=0 members=0\n"
		  "_.- rules=0 members=0\n");
	pool_is("web", "web rules=0 members=0\n");
	refused("pool_add pool=web", EEXIST, "there is a pool \"web\"");
	refused("pool_add pool=" NAME31, EEXIST,
		"there is a pool \"" NAME31 "\"");
	refused("pool_del pool=we", ENOENT, "no pool \"we\"");
	accepted("pool_del pool=web");
	refused("pool_del pool=web", ENOENT, "no pool \"web\"");
	accepted("pool_add pool=web");
	pools_are(NAME31 " rules=0 members=0\n"
		  "_.- rules=0 members=0\n"
		  "web rules=0 members=0\n");
}

static void test_backends(void)
{
	accepted("pool_add pool=web\npool_add pool=six\npool_add pool=dns");
	accepted("add pool=web addr=10.0.0.1 port=80");
	accepted("add pool=web addr=10.0.0.2 port=65535 proto=6 weight=65535 max=4294967295 backup=1 state=1");
	accepted("add pool=web addr=10.0.0.3");
	accepted("add pool=six addr=fd00::1 weight=0\nadd pool=six addr=fd00::1 port=53 proto=17");
	accepted("add pool=dns addr=10.0.0.1 port=80 proto=17");
	/* The pool's protocol, now that it has one. */
	accepted("add pool=dns addr=10.0.0.2 port=53\nadd pool=six addr=fd00::2 port=1");
	pools_are("web rules=0 members=3\n"
		  "web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		  "web 10.0.0.2 65535 6 weight=65535 max=4294967295 backup=1 drain\n"
		  "web 10.0.0.3 0 0 weight=1 max=0 backup=0 ready\n"
		  "six rules=0 members=3\n"
		  "six fd00::1 0 0 weight=0 max=0 backup=0 ready\n"
		  "six fd00::1 53 17 weight=1 max=0 backup=0 ready\n"
		  "six fd00::2 1 17 weight=1 max=0 backup=0 ready\n"
		  "dns rules=0 members=2\n"
		  "dns 10.0.0.1 80 17 weight=1 max=0 backup=0 ready\n"
		  "dns 10.0.0.2 53 17 weight=1 max=0 backup=0 ready\n");

	refused("add pool=no addr=10.0.0.1", ENOENT, "no pool \"no\"");
	refused("add pool=web addr=10.0.0.1 port=80", EEXIST,
		"pool \"web\" has this backend");
	refused("add pool=web addr=10.0.0.3 weight=2", EEXIST,
		"pool \"web\" has this backend");
	refused("add pool=web addr=fd00::1", EINVAL,
		"the pool's backends are of the other family");
	refused("add pool=web addr=10.0.0.4 port=80 proto=17", EINVAL,
		"the pool's backends are of another protocol");
	refused("set pool=no addr=10.0.0.1 port=80", ENOENT, "no pool \"no\"");
	refused("set pool=web addr=10.0.0.1 port=81", ENOENT,
		"pool \"web\" has no such backend");
	refused("set pool=web addr=10.0.0.1", ENOENT,
		"pool \"web\" has no such backend");
	refused("set pool=web addr=10.0.0.1 port=80 proto=17", ENOENT,
		"pool \"web\" has no such backend");
	refused("del pool=no addr=10.0.0.1", ENOENT, "no pool \"no\"");
	refused("del pool=web addr=10.0.0.3 port=80", ENOENT,
		"pool \"web\" has no such backend");
}

/* What is not given stays; one that has gone comes back last. */
static void test_terms(void)
{
	accepted("pool_add pool=web\n"
		 "add pool=web addr=10.0.0.1 port=80 weight=3 max=7 backup=1\n"
		 "add pool=web addr=10.0.0.2 port=80");
	accepted("set pool=web addr=10.0.0.1 port=80 weight=0");
	pool_is("web", "web rules=0 members=2\n"
		"web 10.0.0.1 80 6 weight=0 max=7 backup=1 ready\n"
		"web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n");
	accepted("set pool=web addr=10.0.0.1 port=80 proto=6 max=0");
	accepted("set pool=web addr=10.0.0.1 port=80 backup=0 state=2");
	accepted("set pool=web addr=10.0.0.2 port=80");
	pool_is("web", "web rules=0 members=2\n"
		"web 10.0.0.1 80 6 weight=0 max=0 backup=0 down\n"
		"web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n");
	accepted("del pool=web addr=10.0.0.1 port=80");
	accepted("add pool=web addr=10.0.0.1 port=80");
	pool_is("web", "web rules=0 members=2\n"
		"web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n"
		"web 10.0.0.1 80 6 weight=1 max=0 backup=0 down\n");
}

/* What is not given stays. Whoever is at a limit is still within. */
static void test_settings(void)
{
	accepted("pool_add pool=web max-fails=3 fail-timeout=30 slow-start=60 redispatch=1 persistent=600 persistent-mask=24\n"
		 "pool_add pool=least max-fails=0 fail-timeout=1 slow-start=0 redispatch=0 persistent=0 persistent-mask=1\n"
		 "pool_add pool=most max-fails=4294967295 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800 persistent-mask=128\n"
		 "pool_add pool=none");
	pools_are("web rules=0 members=0 max-fails=3 fail-timeout=30 slow-start=60 redispatch=1 persistent=600 persistent-mask=24\n"
		  "least rules=0 members=0 fail-timeout=1 persistent-mask=1\n"
		  "most rules=0 members=0 max-fails=4294967295 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800\n"
		  "none rules=0 members=0\n");
	accepted("pool_set pool=web max-fails=0");
	accepted("pool_set pool=web fail-timeout=10\npool_set pool=web redispatch=0");
	accepted("pool_set pool=least max-fails=4294967295 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800 persistent-mask=128");
	accepted("pool_set pool=most max-fails=0 fail-timeout=1 slow-start=0 redispatch=0 persistent=0 persistent-mask=1");
	/* Nothing is given: all stays. */
	accepted("pool_set pool=none\npool_set pool=web");
	pools_are("web rules=0 members=0 slow-start=60 persistent=600 persistent-mask=24\n"
		  "least rules=0 members=0 max-fails=4294967295 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800\n"
		  "most rules=0 members=0 fail-timeout=1 persistent-mask=1\n"
		  "none rules=0 members=0\n");
	/* With backends, which see none of it, whatever their state. */
	accepted("add pool=web addr=10.0.0.1 port=80 weight=3\n"
		 "add pool=web addr=10.0.0.2 state=1\n"
		 "pool_set pool=web max-fails=2 redispatch=1\n"
		 "add pool=web addr=10.0.0.3 backup=1");
	pool_is("web", "web rules=0 members=3 max-fails=2 slow-start=60 redispatch=1 persistent=600 persistent-mask=24\n"
		"web 10.0.0.1 80 6 weight=3 max=0 backup=0 ready\n"
		"web 10.0.0.2 0 0 weight=1 max=0 backup=0 drain\n"
		"web 10.0.0.3 0 0 weight=1 max=0 backup=1 ready\n");
	/* A later one of the same message wins, and a new pool has nothing of the old. */
	accepted("pool_set pool=web slow-start=1\npool_set pool=web slow-start=2\n"
		 "pool_del pool=most\npool_add pool=most redispatch=1");
	accepted("pool_set pool=least max-fails=9\npool_del pool=least");
	accepted("pool_set pool=web max-fails=0 slow-start=0 redispatch=0 persistent=0 persistent-mask=128\n"
		 "del pool=web addr=10.0.0.2");
	pools_are("web rules=0 members=2\n"
		  "web 10.0.0.1 80 6 weight=3 max=0 backup=0 ready\n"
		  "web 10.0.0.3 0 0 weight=1 max=0 backup=1 ready\n"
		  "none rules=0 members=0\n"
		  "most rules=0 members=0 redispatch=1\n");

	refused("pool_set pool=no", ENOENT, "no pool \"no\"");
	refused("pool_set pool=least max-fails=1", ENOENT, "no pool \"least\"");
	refused("pool_add pool=web max-fails=1", EEXIST,
		"there is a pool \"web\"");
	refused("pool_del pool=web\npool_set pool=web max-fails=1", ENOENT,
		"no pool \"web\"");
	refused("pool_set pool=web max-fails=1 redispatch=1\n"
		"pool_set pool=most redispatch=0 slow-start=5\n"
		"pool_set pool=web max-fails=2\nset pool=web addr=10.0.0.9",
		ENOENT, "pool \"web\" has no such backend");
}

static void test_states(void)
{
	accepted("pool_add pool=web\n"
		 "add pool=web addr=10.0.0.1 port=80\n"
		 "add pool=web addr=10.0.0.1 port=81\n"
		 "add pool=web addr=10.0.0.1\n"
		 "pool_add pool=dns\n"
		 "add pool=dns addr=10.0.0.1 port=80 proto=17");
	accepted("state addr=10.0.0.1 state=1");
	backends_are("10.0.0.1 80 6 drain\n"
		     "10.0.0.1 81 6 drain\n"
		     "10.0.0.1 0 0 drain\n"
		     "10.0.0.1 80 17 drain\n");
	accepted("state addr=10.0.0.1 port=80 state=2");
	accepted("state addr=10.0.0.1 port=0 state=0");
	accepted("state addr=10.0.0.1 proto=17 state=0");
	backends_are("10.0.0.1 80 6 down\n"
		     "10.0.0.1 81 6 drain\n"
		     "10.0.0.1 0 0 ready\n"
		     "10.0.0.1 80 17 ready\n");
	refused("state addr=10.0.0.2 state=0", ENOENT, "no such backend");
	refused("state addr=10.0.0.1 port=82 state=1", ENOENT,
		"no such backend");
	refused("state addr=10.0.0.1 proto=1 state=1", ENOENT,
		"no such backend");
	refused("kill addr=10.0.0.2", ENOENT, "no such backend");
	refused("kill addr=fd00::1", ENOENT, "no such backend");

	/* It stays without pools, until the backend is ready. */
	accepted("pool_del pool=web\npool_del pool=dns");
	backends_are("10.0.0.1 80 6 down\n10.0.0.1 81 6 drain\n");
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.1 port=81");
	pools_are("web rules=0 members=1\n"
		  "web 10.0.0.1 81 6 weight=1 max=0 backup=0 drain\n");
	accepted("pool_del pool=web");
	accepted("state addr=10.0.0.1 port=81 proto=6 state=0");
	backends_are("10.0.0.1 80 6 down\n");
	accepted("state addr=10.0.0.1 state=0");
	backends_are("");
}

static void test_ahead(void)
{
	accepted("state addr=10.0.0.1 port=80 proto=6 state=1 ahead");
	accepted("state addr=10.0.0.2 state=2 ahead");
	accepted("state addr=fd00::1 port=53 proto=17 state=1 ahead");
	backends_are("10.0.0.1 80 6 drain\n"
		     "10.0.0.2 0 0 down\n"
		     "fd00::1 53 17 drain\n");
	/* No need of it for those that are there. */
	accepted("state addr=10.0.0.1 state=2 ahead");
	/* One who is not there is ready. */
	accepted("state addr=10.0.0.9 state=0 ahead");
	backends_are("10.0.0.1 80 6 down\n"
		     "10.0.0.2 0 0 down\n"
		     "fd00::1 53 17 drain\n");
	refused("state addr=10.0.0.3 port=80 state=1 ahead", EINVAL,
		"ahead of a backend both port and protocol are needed, or none");
	refused("state addr=10.0.0.3 proto=6 state=1 ahead", EINVAL,
		"ahead of a backend both port and protocol are needed, or none");
	refused("state addr=10.0.0.3 port=0 proto=17 state=1 ahead", EINVAL,
		"ahead of a backend both port and protocol are needed, or none");
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.2");
	accepted("add pool=web addr=10.0.0.1 port=80");
	pools_are("web rules=0 members=2\n"
		  "web 10.0.0.2 0 0 weight=1 max=0 backup=0 down\n"
		  "web 10.0.0.1 80 6 weight=1 max=0 backup=0 down\n");
}

static void test_filters(void)
{
	accepted("pool_add pool=a\npool_add pool=b\npool_add pool=c\n"
		 "add pool=a addr=10.0.0.1 port=80\n"
		 "add pool=a addr=10.0.0.1 port=443\n"
		 "add pool=b addr=10.0.0.1 port=80 proto=17\n"
		 "add pool=b addr=10.0.0.1\n"
		 "add pool=c addr=fd00::1 port=80 proto=17");
	matching_are("family=2", "10.0.0.1 80 6 ready\n"
		     "10.0.0.1 443 6 ready\n"
		     "10.0.0.1 80 17 ready\n"
		     "10.0.0.1 0 0 ready\n");
	matching_are("family=10", "fd00::1 80 17 ready\n");
	matching_are("addr=10.0.0.1 port=80", "10.0.0.1 80 6 ready\n"
		     "10.0.0.1 80 17 ready\n");
	matching_are("port=80", "10.0.0.1 80 6 ready\n"
		     "10.0.0.1 80 17 ready\nfd00::1 80 17 ready\n");
	matching_are("port=0", "10.0.0.1 0 0 ready\n");
	matching_are("proto=17", "10.0.0.1 80 17 ready\n"
		     "fd00::1 80 17 ready\n");
	matching_are("proto=0", "10.0.0.1 0 0 ready\n");
	matching_are("addr=10.0.0.1 port=443 proto=6",
		     "10.0.0.1 443 6 ready\n");
	matching_are("addr=10.0.0.2", "");
	pool_is("b", "b rules=0 members=2\n"
		"b 10.0.0.1 80 17 weight=1 max=0 backup=0 ready\n"
		"b 10.0.0.1 0 0 weight=1 max=0 backup=0 ready\n");

	listing_refused(__LINE__, LEASTCONN_CMD_GET_POOLS, "pool=d",
			LEASTCONN_A_POOL, ENOENT, "no such pool");
	listing_refused(__LINE__, LEASTCONN_CMD_GET_POOLS, "pool=" NAME31 "5",
			LEASTCONN_A_POOL, POLICY, NULL);
	listing_refused(__LINE__, LEASTCONN_CMD_GET_POOLS, "port=1",
			LEASTCONN_A_PORT, EINVAL, NULL);
	listing_refused(__LINE__, LEASTCONN_CMD_GET_BACKENDS, "pool=a",
			LEASTCONN_A_POOL, EINVAL, NULL);
	listing_refused(__LINE__, LEASTCONN_CMD_GET_BACKENDS, "state=0",
			LEASTCONN_A_STATE, EINVAL, NULL);
	listing_refused(__LINE__, LEASTCONN_CMD_GET_BACKENDS, "port=65536",
			LEASTCONN_A_PORT, ERANGE, NULL);
	listing_refused(__LINE__, LEASTCONN_CMD_GET_BACKENDS, "family=3",
			LEASTCONN_A_FAMILY, EINVAL,
			"the family is neither IPv4 nor IPv6");
	listing_refused(__LINE__, LEASTCONN_CMD_GET_BACKENDS, "raw=10.0.0.1",
			LEASTCONN_A_ADDRESS, EINVAL,
			"the address's family is missing");
	listing_refused(__LINE__, LEASTCONN_CMD_GET_BACKENDS,
			"family=10 raw=10.0.0.1", LEASTCONN_A_ADDRESS, EINVAL,
			"the address has not the length of its family's");
}

/* ---- what no honest program sends ---- */

/* So that there is something to spoil. */
static void some_state(void)
{
	accepted("pool_add pool=web\n"
		 "add pool=web addr=10.0.0.1 port=80 weight=5\n"
		 "add pool=web addr=10.0.0.2 port=80 backup=1\n"
		 "pool_add pool=six\n"
		 "add pool=six addr=fd00::1 max=3\n"
		 "pool_add pool=none\n"
		 "state addr=10.0.0.2 state=1\n"
		 "state addr=10.0.0.7 state=2 ahead");
}

static void test_bad_values(void)
{
	static const char name[] = "a pool's name is 1 to 31 of A-Z a-z 0-9 _ . -";
	static const char unicast[] = "this is no unicast address";
	static const char ports[] = "with a port: tcp, udp, sctp, dccp or udplite";
	static const struct {
		const char	*words;
		unsigned int	type;
		int		error;
		const char	*text;
	} bad[] = {
		{ "pool_add pool=", LEASTCONN_A_POOL, EINVAL, name },
		{ "pool_add pool=a/b", LEASTCONN_A_POOL, EINVAL, name },
		{ "pool_add pool=a%", LEASTCONN_A_POOL, EINVAL, name },
		{ "pool_add pool=\303\244", LEASTCONN_A_POOL, EINVAL, name },
		{ "pool_add pool=a\tb", LEASTCONN_A_POOL, EINVAL, name },
		{ "pool_del pool=*", LEASTCONN_A_POOL, EINVAL, name },
		{ "pool_add pool=" NAME31 "5", LEASTCONN_A_POOL, POLICY, NULL },
		{ "- op=0", LEASTCONN_A_OP, ERANGE, NULL },
		{ "- op=9", LEASTCONN_A_OP, ERANGE, NULL },
		{ "- op=257", LEASTCONN_A_OP, ERANGE, NULL },
		{ "pool_add pool=new fail-timeout=0", LEASTCONN_A_FAIL_TIMEOUT, ERANGE, NULL },
		{ "pool_add pool=new fail-timeout=604801", LEASTCONN_A_FAIL_TIMEOUT, ERANGE, NULL },
		{ "pool_set pool=web fail-timeout=0", LEASTCONN_A_FAIL_TIMEOUT, ERANGE, NULL },
		{ "pool_set pool=web fail-timeout=0xffffffff", LEASTCONN_A_FAIL_TIMEOUT, ERANGE, NULL },
		{ "pool_add pool=new slow-start=604801", LEASTCONN_A_SLOW_START, ERANGE, NULL },
		{ "pool_set pool=web slow-start=604801", LEASTCONN_A_SLOW_START, ERANGE, NULL },
		{ "pool_add pool=new redispatch=2", LEASTCONN_A_REDISPATCH, ERANGE, NULL },
		{ "pool_set pool=web redispatch=256", LEASTCONN_A_REDISPATCH, ERANGE, NULL },
		{ "pool_add pool=new persistent=604801", LEASTCONN_A_PERSISTENT, ERANGE, NULL },
		{ "pool_set pool=web persistent=0x80000000", LEASTCONN_A_PERSISTENT, ERANGE, NULL },
		{ "pool_add pool=new persistent-mask=0", LEASTCONN_A_PERSISTENT_MASK, ERANGE, NULL },
		{ "pool_add pool=new persistent-mask=129", LEASTCONN_A_PERSISTENT_MASK, ERANGE, NULL },
		{ "pool_set pool=web persistent-mask=0", LEASTCONN_A_PERSISTENT_MASK, ERANGE, NULL },
		{ "pool_set pool=web persistent-mask=257", LEASTCONN_A_PERSISTENT_MASK, ERANGE, NULL },
		{ "pool_set pool=a/b", LEASTCONN_A_POOL, EINVAL, name },
		{ "add pool=web addr=10.0.0.3 port=65536", LEASTCONN_A_PORT, ERANGE, NULL },
		{ "add pool=web addr=10.0.0.3 port=0x10050", LEASTCONN_A_PORT, ERANGE, NULL },
		{ "add pool=web addr=10.0.0.3 weight=65536", LEASTCONN_A_WEIGHT, ERANGE, NULL },
		{ "set pool=web addr=10.0.0.1 port=80 weight=0xffffffff", LEASTCONN_A_WEIGHT, ERANGE, NULL },
		{ "add pool=web addr=10.0.0.3 port=1 proto=256", LEASTCONN_A_PROTO, ERANGE, NULL },
		{ "add pool=web addr=10.0.0.3 port=1 proto=262", LEASTCONN_A_PROTO, ERANGE, NULL },
		{ "add pool=web addr=10.0.0.3 backup=2", LEASTCONN_A_BACKUP, ERANGE, NULL },
		{ "add pool=web addr=10.0.0.3 state=3", LEASTCONN_A_STATE, ERANGE, NULL },
		{ "state addr=10.0.0.1 state=256", LEASTCONN_A_STATE, ERANGE, NULL },
		{ "add pool=web addr=0.0.0.0", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "add pool=web addr=224.0.0.1", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "add pool=web addr=239.255.255.255", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "add pool=web addr=255.255.255.255", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "add pool=six addr=::", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "add pool=six addr=ff02::1", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "state addr=ff02::1 state=1 ahead", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "kill addr=0.0.0.0", LEASTCONN_A_ADDRESS, EINVAL, unicast },
		{ "add pool=web family=0 raw=10.0.0.3", LEASTCONN_A_FAMILY, EINVAL,
		  "the family is neither IPv4 nor IPv6" },
		{ "add pool=web family=258 raw=10.0.0.3", LEASTCONN_A_FAMILY, EINVAL,
		  "the family is neither IPv4 nor IPv6" },
		{ "state family=7 raw=10.0.0.1 state=1", LEASTCONN_A_FAMILY, EINVAL,
		  "the family is neither IPv4 nor IPv6" },
		{ "add pool=web family=10 raw=10.0.0.3", LEASTCONN_A_ADDRESS, EINVAL,
		  "the address has not the length of its family's" },
		{ "add pool=web family=2 raw=fd00::1", LEASTCONN_A_ADDRESS, EINVAL,
		  "the address has not the length of its family's" },
		{ "add pool=web addr=10.0.0.3 port=80 proto=0", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "add pool=web addr=10.0.0.3 port=80 proto=1", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "add pool=web addr=10.0.0.3 port=80 proto=255", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "state addr=10.0.0.1 port=80 proto=47 state=1", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "add pool=web addr=10.0.0.3 proto=6", LEASTCONN_A_PROTO, EINVAL,
		  "a backend without a port has no protocol" },
		{ "add pool=web addr=10.0.0.3 port=0 proto=6", LEASTCONN_A_PROTO, EINVAL,
		  "a backend without a port has no protocol" },
		{ "del pool=web addr=10.0.0.3 proto=255", LEASTCONN_A_PROTO, EINVAL,
		  "a backend without a port has no protocol" },
	};

	some_state();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		about = bad[i].words;
		attribute_refused(__LINE__, bad[i].words, bad[i].type,
				  bad[i].error, bad[i].text);
	}
	/* Protocols with ports are just these. */
	accepted("pool_add pool=all");
	for (int proto = 1; proto < 256; proto++) {
		struct message *message = message_new(LEASTCONN_CMD_CHANGE);
		bool good = proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
			    proto == IPPROTO_SCTP || proto == IPPROTO_DCCP ||
			    proto == IPPROTO_UDPLITE;

		change(message, "add pool=all addr=10.0.0.1 port=1 proto=%d",
		       proto);
		change(message, "del pool=all addr=10.0.0.1 port=1 proto=%d",
		       proto);
		if (good)
			accepted_at(__LINE__, message);
		else
			refused_at(__LINE__, message, EINVAL,
				   attribute_of_change(message, 0, LEASTCONN_A_PROTO),
				   ports);
	}
}

static void test_missing_attributes(void)
{
	some_state();
	refused("- pool=web", EINVAL, "what to change is missing");
	refused("-", EINVAL, "what to change is missing");
	refused("pool_add", EINVAL, "a pool's name is missing");
	refused("pool_del", EINVAL, "a pool's name is missing");
	refused("pool_set", EINVAL, "a pool's name is missing");
	refused("pool_set max-fails=1", EINVAL, "a pool's name is missing");
	refused("add addr=10.0.0.3", EINVAL, "a pool's name is missing");
	refused("set addr=10.0.0.1 port=80", EINVAL, "a pool's name is missing");
	refused("del addr=10.0.0.1 port=80", EINVAL, "a pool's name is missing");
	refused("add pool=web", EINVAL,
		"a backend's family and address are missing");
	refused("add pool=web family=2", EINVAL,
		"a backend's family and address are missing");
	refused("add pool=web raw=10.0.0.3", EINVAL,
		"a backend's family and address are missing");
	refused("set pool=web port=80 weight=1", EINVAL,
		"a backend's family and address are missing");
	refused("del pool=web kill", EINVAL,
		"a backend's family and address are missing");
	refused("state state=1", EINVAL,
		"a backend's family and address are missing");
	refused("state addr=10.0.0.1", EINVAL, "a state is missing");
	refused("kill", EINVAL, "a backend's family and address are missing");
	/* The first of them is good, and is not done. */
	refused("pool_add pool=new\nadd pool=new", EINVAL,
		"a backend's family and address are missing");
}

#define SETTINGS "max-fails fail-timeout slow-start redispatch persistent persistent-mask"

/* What a change may have; others only where nobody asks. */
static const struct {
	enum leastconn_op	op;
	const char		*valid;
	const char		*allowed;
} shapes[] = {
	{ LEASTCONN_OP_POOL_ADD, "pool_add pool=new", "op pool " SETTINGS },
	{ LEASTCONN_OP_POOL_SET, "pool_set pool=web", "op pool " SETTINGS },
	{ LEASTCONN_OP_POOL_DEL, "pool_del pool=none", "op pool" },
	{ LEASTCONN_OP_ADD, "add pool=web addr=10.0.0.3",
	  "op pool family address port proto weight max backup state" },
	{ LEASTCONN_OP_SET, "set pool=web addr=10.0.0.1 port=80",
	  "op pool family address port proto weight max backup state" },
	{ LEASTCONN_OP_DEL, "del pool=web addr=10.0.0.1 port=80",
	  "op pool family address port proto kill" },
	{ LEASTCONN_OP_STATE, "state addr=10.0.0.1 state=1",
	  "op family address port proto state ahead" },
	{ LEASTCONN_OP_KILL, "kill addr=10.0.0.1",
	  "op family address port proto" },
};

/* By their numbers; those without a name are never of a change. */
static const char *const names[LEASTCONN_A_MAX + 3] = {
	[LEASTCONN_A_OP]	= "op",
	[LEASTCONN_A_POOL]	= "pool",
	[LEASTCONN_A_FAMILY]	= "family",
	[LEASTCONN_A_ADDRESS]	= "address",
	[LEASTCONN_A_PORT]	= "port",
	[LEASTCONN_A_PROTO]	= "proto",
	[LEASTCONN_A_WEIGHT]	= "weight",
	[LEASTCONN_A_MAX_CONNS]	= "max",
	[LEASTCONN_A_BACKUP]	= "backup",
	[LEASTCONN_A_STATE]	= "state",
	[LEASTCONN_A_KILL]	= "kill",
	[LEASTCONN_A_AHEAD]	= "ahead",
	[LEASTCONN_A_MAX_FAILS]	= "max-fails",
	[LEASTCONN_A_FAIL_TIMEOUT] = "fail-timeout",
	[LEASTCONN_A_SLOW_START] = "slow-start",
	[LEASTCONN_A_REDISPATCH] = "redispatch",
	[LEASTCONN_A_PERSISTENT] = "persistent",
	[LEASTCONN_A_PERSISTENT_MASK] = "persistent-mask",
};

static bool is_word_of(const char *word, const char *words)
{
	size_t length = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word))) {
		if ((at == words || at[-1] == ' ') &&
		    (!at[length] || at[length] == ' '))
			return true;
		at += length;
	}
	return false;
}

/* Adds an attribute with good contents at the end of the only change. */
static uint32_t put_foreign(struct message *message, unsigned int type)
{
	struct nlattr *nest = (void *)message->nlh + message->changes[0];
	uint32_t at = message->nlh->nlmsg_len;

	switch (type) {
	case LEASTCONN_A_POOL:
		mnl_attr_put_strz(message->nlh, type, "web");
		break;
	case LEASTCONN_A_ADDRESS:
		mnl_attr_put(message->nlh, type, 4, "\12\0\0\1");
		break;
	case LEASTCONN_A_KILL:
	case LEASTCONN_A_AHEAD:
		mnl_attr_put(message->nlh, type, 0, NULL);
		break;
	default:
		mnl_attr_put_u32(message->nlh, type, 1);
	}
	nest->nla_len = (char *)message->nlh + message->nlh->nlmsg_len -
			(char *)nest;
	return at;
}

static void test_foreign_attributes(void)
{
	some_state();
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (unsigned int type = 0; type < LEASTCONN_A_MAX + 3; type++) {
			struct message *message = message_of(shapes[i].valid);
			uint32_t at;

			if (names[type] && is_word_of(names[type], shapes[i].allowed)) {
				message_free(message);
				continue;
			}
			about = shapes[i].valid;
			beside = type;
			at = put_foreign(message, type);
			refused_at(__LINE__, message, EINVAL, at, names[type] ?
				   "this change has no such attribute" : NULL);
		}
	}
}

/* Numbers have 4 bytes, addresses 4 to 16, flags none, names their end. */
static bool good_length(unsigned int type, size_t length)
{
	switch (type) {
	case LEASTCONN_A_KILL:
	case LEASTCONN_A_AHEAD:
		return !length;
	case LEASTCONN_A_ADDRESS:
		return length >= 4 && length <= 16;
	case LEASTCONN_A_POOL:
		return false;	/* of ones, without a zero */
	default:
		return length == 4;
	}
}

static void test_bad_lengths(void)
{
	static const char ones[40] = "1111111111111111111111111111111111111111";
	struct message *message;
	struct nlattr *nest;
	uint32_t at;

	some_state();
	for (unsigned int type = 0; type < sizeof(names) / sizeof(names[0]); type++) {
		for (size_t length = 0; length <= sizeof(ones); length++) {
			if (!names[type] || good_length(type, length))
				continue;
			message = message_new(LEASTCONN_CMD_CHANGE);
			nest = mnl_attr_nest_start(message->nlh,
						   LEASTCONN_A_CHANGE);
			at = message->nlh->nlmsg_len;
			mnl_attr_put(message->nlh, type, length, ones);
			mnl_attr_nest_end(message->nlh, nest);
			refused_at(__LINE__, message, POLICY, at, NULL);
		}
	}
	/* An end, but too late. */
	message = message_new(LEASTCONN_CMD_CHANGE);
	nest = mnl_attr_nest_start(message->nlh, LEASTCONN_A_CHANGE);
	at = message->nlh->nlmsg_len;
	mnl_attr_put_str(message->nlh, LEASTCONN_A_POOL, NAME31 "56789");
	mnl_attr_nest_end(message->nlh, nest);
	refused_at(__LINE__, message, POLICY, at, NULL);
}

static void spoil(struct message *message, uint32_t at, size_t size,
		  uint32_t value)
{
	memcpy((char *)message->nlh + at, &value, size);
}

static void test_bad_framing(void)
{
	struct message *message;
	uint32_t at;

	some_state();
	/* No change at all, an empty one. */
	refused_at(__LINE__, message_of(""), EINVAL, 0, NULL);
	/* Not marked as a nest. */
	message = message_of("pool_add pool=new");
	spoil(message, message->changes[0] + 2, 2, LEASTCONN_A_CHANGE);
	refused_at(__LINE__, message, EINVAL, message->changes[0], NULL);
	/* Longer than the message, shorter than its head. */
	message = message_of("pool_add pool=new\npool_add pool=new2");
	spoil(message, message->changes[1], 2, 60);
	refused_at(__LINE__, message, EINVAL, 0, NULL);
	message = message_of("pool_add pool=new\npool_add pool=new2");
	spoil(message, message->changes[1], 2, 3);
	refused_at(__LINE__, message, EINVAL, 0, NULL);
	/* The same of an attribute in it. */
	message = message_of("pool_add pool=new\npool_add pool=new2");
	at = attribute_of_change(message, 1, LEASTCONN_A_POOL);
	spoil(message, at, 2, 100);
	refused_at(__LINE__, message, EINVAL, 0, NULL);
	/* Bytes behind the last. */
	message = message_of("pool_add pool=new");
	message->nlh->nlmsg_len += 2;
	refused_at(__LINE__, message, EINVAL, 0, NULL);
	/* What is not a change, beside one that is. */
	for (unsigned int type = 0; type < LEASTCONN_A_MAX + 3; type++) {
		if (type == LEASTCONN_A_CHANGE)
			continue;
		message = message_of("pool_add pool=new");
		at = message->nlh->nlmsg_len;
		mnl_attr_put_u32(message->nlh, type, 1);
		refused_at(__LINE__, message, EINVAL, at, NULL);
	}
}

static void command_refused(int line, uint8_t cmd, uint16_t flags)
{
	struct message *message = message_new(cmd);
	struct answer answer;

	if (cmd == LEASTCONN_CMD_CHANGE)
		change(message, "pool_add pool=new");
	message->nlh->nlmsg_flags = flags;
	ask(talk, message, NULL, NULL, &answer);
	if (answer.error != EOPNOTSUPP)
		fail("command %u with flags %#x: %s", cmd, flags,
		     answer.error ? strerrorname_np(answer.error) : "done");
	message_free(message);
}

static void test_commands(void)
{
	struct message *message;

	for (int cmd = 0; cmd < 256; cmd++) {
		switch (cmd) {
		case LEASTCONN_CMD_CHANGE:
			command_refused(__LINE__, cmd, NLM_F_DUMP);
			break;
		case LEASTCONN_CMD_GET_POOLS:
		case LEASTCONN_CMD_GET_BACKENDS:
			command_refused(__LINE__, cmd, 0);
			break;
		default:
			command_refused(__LINE__, cmd, 0);
			command_refused(__LINE__, cmd, NLM_F_DUMP);
		}
	}
	/* Not even a command. */
	message = message_new(LEASTCONN_CMD_CHANGE);
	message->nlh->nlmsg_len = MNL_NLMSG_HDRLEN;
	refused_at(__LINE__, message, EINVAL, 0, NULL);
	pools_are("");
}

/* ---- many changes in a message ---- */

/* Each line is one of its own that would be good; the last one is not. */
static void test_all_or_nothing(void)
{
	static const char *const last[] = {
		"pool_del pool=no", "set pool=no addr=10.0.0.1 port=80",
		"pool_set pool=no max-fails=1",
		"state addr=10.9.9.9 state=1", "kill addr=10.9.9.9",
		"add pool=last addr=10.0.0.1 port=65536",
	};
	static const char *const before[] = {
		"pool_add pool=new\nadd pool=new addr=10.0.0.1 port=80\nadd pool=new addr=10.0.0.9 port=80",
		"pool_del pool=web",
		"pool_del pool=web\npool_add pool=web\nadd pool=web addr=10.0.0.2 port=80",
		"del pool=web addr=10.0.0.1 port=80",
		"del pool=web addr=10.0.0.1 port=80\nadd pool=web addr=10.0.0.1 port=80 weight=9",
		"set pool=web addr=10.0.0.1 port=80 weight=9\nset pool=web addr=10.0.0.1 port=80 max=9 state=2",
		"state addr=10.0.0.1 state=2\nstate addr=10.0.0.1 state=1",
		"state addr=10.0.0.2 state=0\nstate addr=10.0.0.7 state=0",
		"state addr=10.0.0.8 port=1 proto=6 state=1 ahead\nstate addr=10.0.0.8 state=0\nstate addr=fd00::9 state=2 ahead",
		"kill addr=10.0.0.1\ndel pool=web addr=10.0.0.2 port=80 kill",
		"pool_del pool=web\npool_del pool=six\npool_del pool=none\nstate addr=10.0.0.2 state=0\nstate addr=10.0.0.7 state=0",
		"pool_add pool=p\nadd pool=p addr=10.0.0.1 port=80\ndel pool=p addr=10.0.0.1 port=80\npool_del pool=p",
		"pool_set pool=web max-fails=3 redispatch=1 persistent=9",
		"pool_set pool=web slow-start=1\npool_set pool=web slow-start=2 fail-timeout=7\npool_set pool=web slow-start=3",
		"pool_set pool=six max-fails=2\nadd pool=six addr=fd00::2\npool_set pool=six persistent-mask=64\ndel pool=six addr=fd00::1",
		"pool_set pool=web max-fails=1 redispatch=1\npool_del pool=web",
		"pool_set pool=web max-fails=1\npool_del pool=web\npool_add pool=web slow-start=5\npool_set pool=web slow-start=6",
		"pool_add pool=p max-fails=1\npool_set pool=p redispatch=1\npool_del pool=p",
	};

	some_state();
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		for (size_t j = 0; j < sizeof(last) / sizeof(last[0]); j++) {
			struct message *message = message_of(before[i]);
			unsigned int at = message->count;
			bool policy = strstr(last[j], "65536");

			changes(message, last[j]);
			about = before[i];
			beside = j;
			refused_at(__LINE__, message, policy ? POLICY : ENOENT,
				   policy ? attribute_of_change(message, at, LEASTCONN_A_PORT) :
				   message->changes[at], NULL);
		}
	}
	/* And without the last one they are done, each on what is left. */
	accepted("pool_add pool=last");
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct listing old = {}, new = {};

		nothing_is_left();
		some_state();
		list_all(&old, talk);
		accepted(before[i]);
		list_all(&new, talk);
		if (strstr(before[i], "pool_del pool=p") ? strcmp(old.text, new.text) :
		    !strcmp(old.text, new.text))
			die("%s: done, but not so", before[i]);
		listing_free(&old);
		listing_free(&new);
	}
}

/* Each finds what the one before has left. */
static void test_in_their_order(void)
{
	some_state();
	accepted("del pool=web addr=10.0.0.1 port=80\n"
		 "add pool=web addr=10.0.0.1 port=80\n"
		 "set pool=web addr=10.0.0.1 port=80 max=4\n"
		 "set pool=web addr=10.0.0.1 port=80 weight=2");
	pool_is("web", "web rules=0 members=2\n"
		"web 10.0.0.2 80 6 weight=1 max=0 backup=1 drain\n"
		"web 10.0.0.1 80 6 weight=2 max=4 backup=0 ready\n");
	/* Of another family and protocol, now that it is empty. */
	accepted("pool_del pool=six\npool_add pool=six\n"
		 "add pool=six addr=10.0.0.1 port=53 proto=17\n"
		 "del pool=six addr=10.0.0.1 port=53\n"
		 "add pool=six addr=fd00::2 port=53 proto=17");
	pools_are("web rules=0 members=2\n"
		  "web 10.0.0.2 80 6 weight=1 max=0 backup=1 drain\n"
		  "web 10.0.0.1 80 6 weight=2 max=4 backup=0 ready\n"
		  "none rules=0 members=0\n"
		  "six rules=0 members=1\n"
		  "six fd00::2 53 17 weight=1 max=0 backup=0 ready\n");
	/* Nothing is left of what came and went. */
	accepted("pool_add pool=p\nadd pool=p addr=10.0.0.8 port=80 state=1\n"
		 "state addr=10.0.0.8 state=0\npool_del pool=p\n"
		 "pool_add pool=p\nadd pool=p addr=10.0.0.8\npool_del pool=p\n"
		 "state addr=10.0.0.7 state=0");
	backends_are("10.0.0.1 80 6 ready\n"
		     "10.0.0.2 80 6 drain\n"
		     "fd00::2 53 17 ready\n");
	refused("pool_add pool=p\npool_add pool=p", EEXIST,
		"there is a pool \"p\"");
	refused("pool_del pool=web\nadd pool=web addr=10.0.0.3", ENOENT,
		"no pool \"web\"");
	refused("pool_del pool=web\npool_del pool=web", ENOENT,
		"no pool \"web\"");
	refused("del pool=web addr=10.0.0.1 port=80\nset pool=web addr=10.0.0.1 port=80",
		ENOENT, "pool \"web\" has no such backend");
	refused("add pool=none addr=10.0.0.3\nadd pool=none addr=10.0.0.3",
		EEXIST, "pool \"none\" has this backend");
	/* Nobody knows it any more, as if that were the next message. */
	refused("del pool=web addr=10.0.0.1 port=80\nstate addr=10.0.0.1 state=1",
		ENOENT, "no such backend");
	refused("del pool=web addr=10.0.0.1 port=80\nstate addr=10.0.0.1 port=80 proto=6 state=1",
		ENOENT, "no such backend");
	refused("pool_del pool=web\nkill addr=10.0.0.1", ENOENT,
		"no such backend");
	refused("pool_del pool=web\nstate addr=10.0.0.2 state=0\nkill addr=10.0.0.2",
		ENOENT, "no such backend");
	accepted("pool_del pool=web\nstate addr=10.0.0.1 port=80 proto=6 state=2 ahead");
	backends_are("10.0.0.1 80 6 down\n"
		     "10.0.0.2 80 6 drain\n"
		     "fd00::2 53 17 ready\n");
}

/* ---- as many as there can be ---- */

/* Messages of so many changes, so that each fits. */
static void add_in_pieces(const char *format, unsigned int from,
			  unsigned int to)
{
	struct message *message;

	while (from < to) {
		message = message_new(LEASTCONN_CMD_CHANGE);
		for (unsigned int i = 0; i < 8192 && from < to; i++, from++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			change(message, format, from >> 16, from >> 8 & 255,
			       from & 255);
#pragma GCC diagnostic pop
		}
		accepted_at(__LINE__, message);
	}
}

static void test_most_pools(void)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);

	for (int i = 0; i < LEASTCONN_MAX_POOLS; i++)
		change(message, "pool_add pool=p%d", i);
	accepted_at(__LINE__, message);
	refused("pool_add pool=p", ENOSPC,
		"there are 4096 pools, the most there can be");
	refused("pool_del pool=p7\npool_add pool=p\npool_add pool=p7", ENOSPC,
		"there are 4096 pools, the most there can be");
	accepted("pool_del pool=p7\npool_add pool=p");
	refused("pool_add pool=p7", ENOSPC, NULL);
	message = message_new(LEASTCONN_CMD_CHANGE);
	change(message, "pool_del pool=p");
	for (int i = 0; i < LEASTCONN_MAX_POOLS; i++)
		if (i != 7)
			change(message, "pool_del pool=p%d", i);
	accepted_at(__LINE__, message);
	pools_are("");
}

static void test_most_backends(void)
{
	struct answer answer;
	struct message *message;

	accepted("pool_add pool=" NAME31);
	add_in_pieces("add pool=" NAME31 " addr=10.%u.%u.%u port=80", 1,
		      LEASTCONN_MAX_MEMBERS + 1);
	/* The whole of the sentence. A listing before and after takes long. */
	message = message_of("add pool=" NAME31 " addr=10.1.0.0 port=80");
	ask(talk, message, NULL, NULL, &answer);
	check_refusal(__LINE__, &answer, ENOSPC, message->changes[0],
		      "pool \"" NAME31 "\" has the 65535 backends it can have");
	message_free(message);
	accepted("del pool=" NAME31 " addr=10.0.0.1 port=80\n"
		 "add pool=" NAME31 " addr=10.1.0.0 port=80\n"
		 "del pool=" NAME31 " addr=10.0.0.2 port=80\n"
		 "add pool=" NAME31 " addr=10.1.0.1 port=80\n"
		 "del pool=" NAME31 " addr=10.0.0.3 port=80\n"
		 "add pool=" NAME31 " addr=10.1.0.2 port=80");
	accepted("pool_del pool=" NAME31);
	backends_are("");
}

/* Of those that are not ready; another state of one of them is none more. */
static void test_most_states(void)
{
	struct answer answer;
	struct message *message;

	add_in_pieces("state addr=10.%u.%u.%u port=80 proto=6 state=1 ahead",
		      1, 65536 + 1);
	message = message_of("state addr=10.2.0.0 state=1 ahead");
	ask(talk, message, NULL, NULL, &answer);
	check_refusal(__LINE__, &answer, ENOSPC, message->changes[0],
		      "65536 backends are not ready, the most there can be");
	message_free(message);
	accepted("state addr=10.0.0.1 port=80 proto=6 state=2");
	accepted("state addr=10.0.0.1 port=80 proto=6 state=0\n"
		 "state addr=10.2.0.0 state=1 ahead");
	add_in_pieces("state addr=10.%u.%u.%u port=80 proto=6 state=0",
		      2, 65536 + 1);
	backends_are("10.2.0.0 0 0 drain\n");
}

/* ---- dumps ---- */

static void add_many(const char *pool)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);

	for (int i = 0; i < MANY; i++)
		change(message, "add pool=%s addr=10.7.%d.%d port=80 weight=%d",
		       pool, i >> 8, i & 255, i);
	accepted_at(__LINE__, message);
}

static void add_many_lines(struct listing *listing, const char *pool)
{
	listing_add(listing, "%s rules=0 members=%d\n", pool, MANY);
	for (int i = 0; i < MANY; i++)
		listing_add(listing, "%s 10.7.%d.%d 80 6 weight=%d max=0 backup=0 ready\n",
			    pool, i >> 8, i & 255, i);
}

/* Asked for, and nobody listens to the end of it. */
static void begin_and_leave(uint8_t cmd)
{
	struct message *message = message_new(cmd);
	struct talk *other = talk_open();
	char buf[1 << 16];

	message->nlh->nlmsg_type = talk_family(other);
	message->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (!talk_send(other, message->nlh) ||
	    mnl_socket_recvfrom(talk_socket(other), buf, sizeof(buf)) <= 0)
		die("no dump begins: %m");
	talk_close(other);
	message_free(message);
}

static void test_paged_dumps(void)
{
	struct listing wanted = {};

	accepted("pool_add pool=first\nadd pool=first addr=10.0.0.1\n"
		 "pool_add pool=many\npool_add pool=last");
	add_many("many");
	listing_add(&wanted, "first rules=0 members=1\n"
		    "first 10.0.0.1 0 0 weight=1 max=0 backup=0 ready\n");
	add_many_lines(&wanted, "many");
	listing_add(&wanted, "last rules=0 members=0\n");
	pools_are(wanted.text);
	listing_free(&wanted);
	add_many_lines(&wanted, "many");
	pool_is("many", wanted.text);
	begin_and_leave(LEASTCONN_CMD_GET_POOLS);
	begin_and_leave(LEASTCONN_CMD_GET_BACKENDS);
	listing_free(&wanted);
	listing_add(&wanted, "10.0.0.1 0 0 ready\n");
	for (int i = 0; i < MANY; i++)
		listing_add(&wanted, "10.7.%d.%d 80 6 ready\n", i >> 8, i & 255);
	backends_are(wanted.text);
	listing_free(&wanted);
}

struct reading {
	struct listing	listing;
	struct talk	*other;
};

/* With its first row all that it tells goes. */
static void delete_and_add(const struct nlmsghdr *nlh, void *data)
{
	struct reading *reading = data;
	struct message *message;
	struct answer answer;

	if (!reading->listing.length) {
		message = message_of("pool_del pool=many\npool_add pool=new");
		ask(reading->other, message, NULL, NULL, &answer);
		if (answer.error)
			die("while a dump is read: %s", answer.text);
		message_free(message);
	}
	listing_add_row(&reading->listing, nlh);
}

static void test_a_dump_is_of_its_moment(void)
{
	struct message *message = message_new(LEASTCONN_CMD_GET_POOLS);
	struct reading reading = { .other = talk_open() };
	struct listing wanted = {};
	struct answer answer;

	accepted("pool_add pool=many");
	add_many("many");
	add_many_lines(&wanted, "many");
	ask(talk, message, delete_and_add, &reading, &answer);
	compare(__LINE__, "the listing of before", wanted.text,
		reading.listing.text);
	pools_are("new rules=0 members=0\n");
	listing_free(&wanted);
	listing_free(&reading.listing);
	talk_close(reading.other);
	message_free(message);
}

static atomic_bool enough;

/* From one pool to the other and back, a third of them in each message. */
static void *move_about(void *arg)
{
	struct talk *own = talk_open();
	unsigned int *turns = arg;
	struct message *message;
	struct answer answer;

	while (!atomic_load(&enough)) {
		const char *from = *turns / 3 % 2 ? "b" : "a";
		const char *to = *turns / 3 % 2 ? "a" : "b";

		message = message_new(LEASTCONN_CMD_CHANGE);
		for (int i = *turns % 3; i < MANY; i += 3) {
			change(message, "del pool=%s addr=10.7.%d.%d port=80",
			       from, i >> 8, i & 255);
			change(message, "add pool=%s addr=10.7.%d.%d port=80",
			       to, i >> 8, i & 255);
		}
		ask(own, message, NULL, NULL, &answer);
		if (answer.error)
			die("moving: %s", answer.text);
		message_free(message);
		++*turns;
	}
	talk_close(own);
	return NULL;
}

/**
 * struct sum - of a dump's rows
 * @members: that the pools say they have
 * @left: of the last pool's, those that have not come yet
 * @rows: of backends
 */
struct sum {
	unsigned int	members;
	unsigned int	left;
	unsigned int	rows;
};

static void add_up(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	struct sum *sum = data;
	bool backend = false;
	int members = -1;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == LEASTCONN_A_ADDRESS)
			backend = true;
		if (mnl_attr_get_type(attr) == LEASTCONN_A_MEMBERS)
			members = mnl_attr_get_u32(attr);
	}
	if (backend) {
		if (!sum->left--)
			die("more backends than the pool says it has");
		sum->rows++;
		/* Let others change what is not told yet. */
		if (sum->rows % 64 == 0)
			sched_yield();
	} else if (members < 0 || sum->left) {
		die("%u backends of a pool are missing", sum->left);
	} else {
		sum->left = members;
		sum->members += members;
	}
}

static void test_dumps_while_changing(void)
{
	unsigned int turns = 0, dumps = 0;
	uint64_t end = deadline(2000);
	pthread_t mover;

	accepted("pool_add pool=a\npool_add pool=b");
	add_many("a");
	atomic_store(&enough, false);
	if (pthread_create(&mover, NULL, move_about, &turns))
		die("no thread: %m");
	while (now_ms() < end || dumps < 10) {
		struct message *message = message_new(LEASTCONN_CMD_GET_POOLS);
		struct answer answer;
		struct sum sum = {};

		ask(talk, message, add_up, &sum, &answer);
		if (answer.error || sum.left || sum.members != MANY)
			die("of %d backends %u are told, %u missing", MANY,
			    sum.members, sum.left);
		message_free(message);
		dumps++;
	}
	atomic_store(&enough, true);
	pthread_join(mover, NULL);
	printf("# %u dumps, %u changes\n", dumps, turns);
	if (turns < 3)
		die("nothing was changed");
}

/* ---- several who change ---- */

struct changer {
	pthread_t	thread;
	int		number;
	unsigned int	done;
	unsigned int	refused;
};

static void *change_at_random(void *arg)
{
	struct changer *changer = arg;
	struct talk *own = talk_open();
	unsigned int seed = changer->number;
	struct message *message;
	struct answer answer;

	while (!atomic_load(&enough)) {
		message = message_new(LEASTCONN_CMD_CHANGE);
		for (int i = rand_r(&seed) % 6; i >= 0; i--) {
			static const char *const words[] = {
				"pool_add pool=p%d", "pool_del pool=p%d",
				"add pool=p%d addr=10.0.0.%d port=80",
				"add pool=p%d addr=10.0.0.%d port=80",
				"set pool=p%d addr=10.0.0.%d port=80 weight=0",
				"del pool=p%d addr=10.0.0.%d port=80",
				"pool_set pool=p%d max-fails=%d redispatch=1",
			};
			int pool = rand_r(&seed) % 3, host = rand_r(&seed) % 8;

			if (rand_r(&seed) % 8) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				change(message, words[rand_r(&seed) % 7], pool,
				       host + 1);
#pragma GCC diagnostic pop
			} else {
				change(message, "state addr=10.0.0.%d port=80 proto=6 state=%d ahead",
				       host + 1, pool);
			}
		}
		ask(own, message, NULL, NULL, &answer);
		if (answer.error && answer.error != ENOENT &&
		    answer.error != EEXIST)
			die("%s: %s", strerrorname_np(answer.error), answer.text);
		answer.error ? changer->refused++ : changer->done++;
		message_free(message);
	}
	talk_close(own);
	return NULL;
}

static void test_several_who_change(void)
{
	struct changer changers[3] = {};
	uint64_t end = deadline(1500);

	atomic_store(&enough, false);
	for (int i = 0; i < 3; i++) {
		changers[i].number = i + 1;
		if (pthread_create(&changers[i].thread, NULL, change_at_random,
				   &changers[i]))
			die("no thread: %m");
	}
	while (now_ms() < end) {
		struct listing all = {};

		list_all(&all, talk);
		listing_free(&all);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(changers[i].thread, NULL);
		printf("# %u changes, %u refused\n", changers[i].done,
		       changers[i].refused);
	}
}

/* ---- who may ---- */

static void everything_is(int error)
{
	static const uint8_t cmds[] = { LEASTCONN_CMD_CHANGE,
					LEASTCONN_CMD_GET_POOLS,
					LEASTCONN_CMD_GET_BACKENDS };
	struct listing rows = {};
	struct answer answer;

	for (size_t i = 0; i < sizeof(cmds); i++) {
		if (cmds[i] == LEASTCONN_CMD_CHANGE) {
			struct message *message = message_of("pool_add pool=mine");

			ask(talk, message, NULL, NULL, &answer);
			message_free(message);
		} else {
			list(&rows, talk, cmds[i], "", &answer);
		}
		if (answer.error != error)
			die("command %u: %s", cmds[i],
			    answer.error ? strerrorname_np(answer.error) : "done");
	}
	listing_free(&rows);
}

/* Since 6.6 events are not for everybody. */
static void events_are_refused(void)
{
	struct mnl_socket *socket = talk_socket(talk);
	int group;

	if (!kernel_is_from(6, 6))
		return;
	/* It is not known by which number; none of them lets us in. */
	for (group = 1; group < 64; group++) {
		if (!mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP,
					   &group, sizeof(group)))
			mnl_socket_setsockopt(socket, NETLINK_DROP_MEMBERSHIP,
					      &group, sizeof(group));
	}
}

static int nobody(void *arg)
{
	(void)arg;
	if (setgid(65534) || setuid(65534))
		die("not to be nobody: %m");
	/* Neither by the socket of somebody who may, nor by one of our own. */
	everything_is(EPERM);
	talk_close(talk);
	talk = talk_open();
	everything_is(EPERM);
	events_are_refused();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		printf("# no user namespaces: %m\n");
		return 0;
	}
	/* The socket is still of the other namespace. */
	everything_is(EPERM);
	talk_close(talk);
	talk = talk_open();
	everything_is(0);
	pools_are("mine rules=0 members=0\n");
	accepted("pool_del pool=mine");
	return 0;
}

static void test_who_may(void)
{
	struct listing before = {}, after = {};
	int status;
	pid_t pid;

	some_state();
	list_all(&before, talk);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = nobody(NULL);
		fflush(stdout);
		_Exit(status);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("status %#x", status);
	list_all(&after, talk);
	compare(__LINE__, "somebody else has changed something", before.text,
		after.text);
	listing_free(&before);
	listing_free(&after);
}

/* Each namespace has its own. */
static void test_namespaces(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct talk *first = talk;

	some_state();
	if (home < 0 || unshare(CLONE_NEWNET))
		die("no namespace: %m");
	talk = talk_open();
	pools_are("");
	backends_are("");
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.1 port=80");
	backends_are("10.0.0.1 80 6 ready\n");
	talk_close(talk);
	talk = first;
	if (setns(home, CLONE_NEWNET))
		die("back: %m");
	close(home);
	backends_are("10.0.0.1 80 6 ready\n"
		     "10.0.0.2 80 6 drain\n"
		     "fd00::1 0 0 ready\n"
		     "10.0.0.7 0 0 down\n");
	/* What goes with it, the log and the leak detector say. */
}

/* ---- connections, of UDP, and within this host ---- */

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		die("lo: %m");
	close(fd);
}

static int udp_server(uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family		= AF_INET,
		.sin_port		= htons(port),
		.sin_addr.s_addr	= htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)))
		die("port %u: %m", port);
	return fd;
}

/* So many flows; the first ones are answered. */
static void udp_flows(int server, uint16_t port, int count, int answered)
{
	struct sockaddr_in addr = {
		.sin_family		= AF_INET,
		.sin_port		= htons(port),
		.sin_addr.s_addr	= htonl(INADDR_LOOPBACK),
	}, from;
	socklen_t size;
	char byte = 0;

	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		size = sizeof(from);
		if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)) ||
		    send(fd, &byte, 1, 0) != 1 ||
		    recvfrom(server, &byte, 1, 0, (void *)&from, &size) != 1 ||
		    (i < answered &&
		     (sendto(server, &byte, 1, 0, (void *)&from, size) != 1 ||
		      recv(fd, &byte, 1, 0) != 1)))
			die("a flow: %m");
		/* It stays open: its port is its own. */
	}
}

static void await_counts(int line, const char *wanted)
{
	struct listing listing = { .counts = true };
	uint64_t end = deadline(2000);
	struct answer answer;

	for (;;) {
		list(&listing, talk, LEASTCONN_CMD_GET_BACKENDS, "", &answer);
		if (!strcmp(listing.text, wanted))
			break;
		if (now_ms() > end)
			compare(line, "counts", wanted, listing.text);
		listing_free(&listing);
		nap();
	}
	listing_free(&listing);
}

/* iptables-nft lets go of a rule a little later, and rests take their time. */
static void await_pool(int line, const char *filter, const char *wanted)
{
	uint64_t end = deadline(10000);
	struct listing listing = {};
	struct answer answer;

	for (;;) {
		listing_free(&listing);
		list(&listing, talk, LEASTCONN_CMD_GET_POOLS, filter, &answer);
		if (!strcmp(listing.text, wanted))
			break;
		if (now_ms() > end)
			compare(line, "pools", wanted, listing.text);
		nap();
	}
	listing_free(&listing);
}

static void killed(int line, int64_t got, int64_t wanted)
{
	if (got != wanted)
		fail("%lld killed, not %lld", (long long)got,
		     (long long)wanted);
}

static void test_kills(void)
{
	int server, other;

	loopback_up();
	server = udp_server(5300);
	other = udp_server(5301);
	accepted("pool_add pool=dns\n"
		 "add pool=dns addr=127.0.0.1 port=5300 proto=17\n"
		 "add pool=dns addr=127.0.0.1 port=5301 proto=17");
	udp_flows(server, 5300, 7, 3);
	udp_flows(other, 5301, 5, 5);
	await_counts(__LINE__, "127.0.0.1 5300 17 ready 7 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	/* No kill is asked for: nobody is told how many. */
	killed(__LINE__, accepted("state addr=127.0.0.1 port=5300 state=1"), -1);
	await_counts(__LINE__, "127.0.0.1 5300 17 drain 7 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	killed(__LINE__, accepted("state addr=127.0.0.1 port=5300 state=2"), -1);
	await_counts(__LINE__, "127.0.0.1 5300 17 down 3 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	/* Refused in the end: none. */
	refused("kill addr=127.0.0.1\nkill addr=127.0.0.2", ENOENT,
		"no such backend");
	killed(__LINE__, accepted("kill addr=127.0.0.1 port=5300"), 3);
	killed(__LINE__, accepted("kill addr=127.0.0.1 port=5300"), 0);
	await_counts(__LINE__, "127.0.0.1 5300 17 down 0 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	killed(__LINE__, accepted("kill addr=127.0.0.1 port=5301\n"
				  "del pool=dns addr=127.0.0.1 port=5301 kill"), 5);
	await_counts(__LINE__, "127.0.0.1 5300 17 down 0 0 7\n");
	killed(__LINE__, accepted("del pool=dns addr=127.0.0.1 port=5300 kill\n"
				  "state addr=127.0.0.1 state=0"), 0);
	backends_are("");
	/* Whoever appears has its connections, that others have tracked. */
	accepted("add pool=dns addr=10.0.0.1");
	udp_flows(server, 5300, 2, 2);
	accepted("add pool=dns addr=127.0.0.1\n"
		 "add pool=dns addr=127.0.0.1 port=5300 proto=17");
	killed(__LINE__, accepted("del pool=dns addr=127.0.0.1 port=5300 kill"), 2);
}

/* ---- events ---- */

static const char *const events[LEASTCONN_EVENT_MAX + 1] = {
	"none", "pool added", "pool deleted", "added", "changed", "deleted",
	"state", "drained", "full", "not full", "pool changed", "ejected",
	"back",
};

static struct talk *listener;

/* The next one that comes, as a line. Return: false when none does. */
static bool next_event(struct listing *line)
{
	static char buf[1 << 16] __attribute__((aligned(8)));
	const struct nlmsghdr *nlh = (void *)buf;
	const struct genlmsghdr *genl;
	const struct nlattr *attr;
	ssize_t got = mnl_socket_recvfrom(talk_socket(listener), buf,
					  sizeof(buf));

	listing_free(line);
	if (got < 0)
		return false;
	if (!mnl_nlmsg_ok(nlh, got) || nlh->nlmsg_len != got ||
	    nlh->nlmsg_type != talk_family(listener))
		die("an event of %zd bytes", got);
	genl = mnl_nlmsg_get_payload(nlh);
	attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(*genl));
	if (genl->cmd != LEASTCONN_CMD_EVENT ||
	    mnl_attr_get_type(attr) != LEASTCONN_A_EVENT ||
	    mnl_attr_get_u32(attr) > LEASTCONN_EVENT_MAX)
		die("no event");
	listing_add(line, "%s: ", events[mnl_attr_get_u32(attr)]);
	listing_add_row(line, nlh);
	return true;
}

static void event_is(int line, const char *wanted)
{
	struct listing got = {};

	if (!next_event(&got))
		fail("no event: %m; expected %s", wanted);
	compare(line, "the event", wanted, got.text);
	listing_free(&got);
}

static void test_events(void)
{
	listener = talk_open();
	talk_join_events(listener);
	accepted("pool_add pool=web");
	event_is(__LINE__, "pool added: web rules=0 members=0\n");
	accepted("add pool=web addr=10.0.0.1 port=80 max=3 backup=1");
	event_is(__LINE__, "added: web 10.0.0.1 80 6 weight=1 max=3 backup=1 ready\n");
	accepted("set pool=web addr=10.0.0.1 port=80 weight=7");
	event_is(__LINE__, "changed: web 10.0.0.1 80 6 weight=7 max=3 backup=1 ready\n");
	/* No word of what was refused, nor of what stays. */
	refused("state addr=10.0.0.1 state=2\npool_add pool=web", EEXIST, NULL);
	accepted("state addr=10.0.0.1 state=0");
	accepted("state addr=10.0.0.1 state=1");
	event_is(__LINE__, "state: 10.0.0.1 80 6 drain\n");
	event_is(__LINE__, "drained: 10.0.0.1 80 6 drain\n");
	accepted("add pool=web addr=10.0.0.2 port=80 state=2");
	event_is(__LINE__, "added: web 10.0.0.2 80 6 weight=1 max=0 backup=0 down\n");
	event_is(__LINE__, "state: 10.0.0.2 80 6 down\n");
	event_is(__LINE__, "drained: 10.0.0.2 80 6 down\n");
	accepted("state addr=10.0.0.2 state=0\ndel pool=web addr=10.0.0.2 port=80");
	event_is(__LINE__, "state: 10.0.0.2 80 6 ready\n");
	event_is(__LINE__, "deleted: web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n");
	accepted("state addr=fd00::1 state=2 ahead");
	event_is(__LINE__, "state: fd00::1 0 0 down\n");
	event_is(__LINE__, "drained: fd00::1 0 0 down\n");
	accepted("pool_del pool=web");
	event_is(__LINE__, "pool deleted: web rules=0 members=1\n");
	accepted("pool_add pool=set max-fails=2 persistent-mask=64\n"
		 "add pool=set addr=10.0.0.1");
	event_is(__LINE__, "pool added: set rules=0 members=1 max-fails=2 persistent-mask=64\n");
	event_is(__LINE__, "added: set 10.0.0.1 0 0 weight=1 max=0 backup=0 ready\n");
	refused("pool_set pool=set max-fails=3\npool_set pool=no", ENOENT, NULL);
	accepted("pool_set pool=set max-fails=0 slow-start=5");
	event_is(__LINE__, "pool changed: set rules=0 members=1 slow-start=5 persistent-mask=64\n");
	accepted("pool_set pool=set redispatch=1\npool_del pool=set");
	event_is(__LINE__, "pool changed: set rules=0 members=1 slow-start=5 redispatch=1 persistent-mask=64\n");
	event_is(__LINE__, "pool deleted: set rules=0 members=1 slow-start=5 redispatch=1 persistent-mask=64\n");
	talk_close(listener);
}

static void test_events_of_load(void)
{
	int server;

	loopback_up();
	server = udp_server(5300);
	listener = talk_open();
	talk_join_events(listener);
	accepted("pool_add pool=dns\nadd pool=dns addr=127.0.0.1 port=5300 proto=17 max=3");
	event_is(__LINE__, "pool added: dns rules=0 members=1\n");
	event_is(__LINE__, "added: dns 127.0.0.1 5300 17 weight=1 max=3 backup=0 ready\n");
	udp_flows(server, 5300, 3, 1);
	event_is(__LINE__, "full: dns 127.0.0.1 5300 17 weight=1 max=3 backup=0 ready\n");
	accepted("set pool=dns addr=127.0.0.1 port=5300 max=4");
	event_is(__LINE__, "changed: dns 127.0.0.1 5300 17 weight=1 max=4 backup=0 ready\n");
	event_is(__LINE__, "not full: dns 127.0.0.1 5300 17 weight=1 max=4 backup=0 ready\n");
	/* It is drained only when its last connection has gone. */
	accepted("state addr=127.0.0.1 state=1");
	event_is(__LINE__, "state: 127.0.0.1 5300 17 drain\n");
	accepted("set pool=dns addr=127.0.0.1 port=5300 max=0");
	event_is(__LINE__, "changed: dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 drain\n");
	accepted("kill addr=127.0.0.1");
	event_is(__LINE__, "drained: 127.0.0.1 5300 17 drain\n");
	talk_close(listener);
}

/* So many that nobody answers: their port is closed. */
static void refused_flows(uint16_t port, int count)
{
	struct sockaddr_in addr = {
		.sin_family		= AF_INET,
		.sin_port		= htons(port),
		.sin_addr.s_addr	= htonl(INADDR_LOOPBACK),
	};
	char byte = 0;

	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)) ||
		    send(fd, &byte, 1, 0) != 1 ||
		    recv(fd, &byte, 1, 0) >= 0 || errno != ECONNREFUSED)
			die("a flow to a closed port: %m");
		close(fd);
	}
}

/* What fails is told of a backend; what a pool makes of it, of its members. */
static void test_events_of_health(void)
{
	static const char in[] = "dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready\n";
	static const char out[] = "dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready ejected refused\n";
	static const char other[] = "dns 127.0.0.2 5300 17 weight=1 max=0 backup=0 ready\n";
	char text[512];
	int server;

	loopback_up();
	accepted("pool_add pool=dns max-fails=2 fail-timeout=600\n"
		 "add pool=dns addr=127.0.0.1 port=5300 proto=17\n"
		 "add pool=dns addr=127.0.0.2 port=5300 proto=17\n"
		 "pool_add pool=mild\n"
		 "add pool=mild addr=127.0.0.1 port=5300 proto=17");
	listener = talk_open();
	talk_join_events(listener);
	refused_flows(5300, 2);
	snprintf(text, sizeof(text), "ejected: %s", out);
	event_is(__LINE__, text);
	await_counts(__LINE__, "127.0.0.1 5300 17 ready 2 0 2 fails=2\n"
		     "127.0.0.2 5300 17 ready 0 0 0\n");
	snprintf(text, sizeof(text), "dns rules=0 members=2 max-fails=2 fail-timeout=600\n%s%s",
		 out, other);
	await_pool(__LINE__, "pool=dns", text);
	pool_is("mild", "mild rules=0 members=1\n"
		"mild 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready\n");
	/* Nobody is out of a pool that does not look. */
	accepted("pool_set pool=dns max-fails=0 fail-timeout=1");
	event_is(__LINE__, "pool changed: dns rules=0 members=2 fail-timeout=1\n");
	snprintf(text, sizeof(text), "back: %s", in);
	event_is(__LINE__, text);
	/* Nor one who has answered on trial. */
	accepted("pool_set pool=dns max-fails=2");
	event_is(__LINE__, "pool changed: dns rules=0 members=2 max-fails=2 fail-timeout=1\n");
	refused_flows(5300, 2);
	snprintf(text, sizeof(text), "ejected: %s", out);
	event_is(__LINE__, text);
	snprintf(text, sizeof(text), "dns rules=0 members=2 max-fails=2 fail-timeout=1\n"
		 "dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready trial refused\n%s",
		 other);
	await_pool(__LINE__, "pool=dns", text);
	server = udp_server(5300);
	udp_flows(server, 5300, 1, 1);
	snprintf(text, sizeof(text), "back: %s", in);
	event_is(__LINE__, text);
	talk_close(listener);
}

/* Who is too slow is told so, and nobody waits for him. */
static void test_a_slow_listener(void)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);
	struct listing line = {};
	unsigned int heard = 0;
	bool lost = false;
	int size = 4096;

	listener = talk_open();
	setsockopt(mnl_socket_get_fd(talk_socket(listener)), SOL_SOCKET,
		   SO_RCVBUF, &size, sizeof(size));
	talk_join_events(listener);
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.1");
	for (int i = 0; i < 2000; i++)
		change(message, "set pool=web addr=10.0.0.1 weight=%d", i);
	accepted_at(__LINE__, message);
	pool_is("web", "web rules=0 members=1\n"
		"web 10.0.0.1 0 0 weight=1999 max=0 backup=0 ready\n");
	accepted("pool_add pool=last");
	for (int i = 0; i < 2100; i++) {
		if (next_event(&line)) {
			heard++;
		} else if (errno == ENOBUFS) {
			lost = true;
		} else {
			break;
		}
		/* What is in its buffer was there before. */
		if (lost && heard)
			break;
	}
	printf("# %u events heard\n", heard);
	if (!lost)
		die("nobody says that events were lost");
	listing_free(&line);
	talk_close(listener);
}

/* ---- rules ---- */

__attribute__((format(printf, 2, 3)))
static void shell(int line, const char *format, ...)
{
	const char *iptables = getenv("LC_IPTABLES");
	char command[512];
	va_list args;
	int length, status;

	length = snprintf(command, sizeof(command), "%s -w -t nat ",
			  iptables ? iptables : "iptables");
	va_start(args, format);
	vsnprintf(command + length, sizeof(command) - length, format, args);
	va_end(args);
	fflush(stdout);
	status = system(command);
	if (status)
		fail("%s: status %#x", command, status);
}

static void test_rules_that_name_a_pool(void)
{
	accepted("pool_add pool=web\npool_add pool=dns");
	shell(__LINE__, "-A PREROUTING -p tcp -j LEASTCONN --pool web");
	pools_are("web rules=1 members=0\ndns rules=0 members=0\n");
	refused("pool_del pool=dns\npool_del pool=web", EBUSY,
		"1 rule uses pool \"web\"");
	shell(__LINE__, "-A OUTPUT -p tcp -j LEASTCONN --pool web");
	shell(__LINE__, "-A PREROUTING -p udp -j LEASTCONN --pool dns");
	refused("pool_del pool=web", EBUSY, "2 rules use pool \"web\"");
	refused("add pool=web addr=fd00::1", EINVAL,
		"rules of the other family use the pool");
	refused("add pool=web addr=10.0.0.1 port=80 proto=17", EINVAL,
		"rules of another protocol use the pool");
	accepted("add pool=web addr=10.0.0.1 port=80\n"
		 "add pool=web addr=10.0.0.2\n"
		 "add pool=dns addr=10.0.0.1 port=53");
	/* Those in use take other settings, too. */
	accepted("pool_set pool=web max-fails=1 redispatch=1 slow-start=2 persistent=3");
	pool_is("web", "web rules=2 members=2 max-fails=1 slow-start=2 redispatch=1 persistent=3\n"
		"web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		"web 10.0.0.2 0 0 weight=1 max=0 backup=0 ready\n");
	accepted("pool_set pool=web max-fails=0 redispatch=0 slow-start=0 persistent=0");
	pools_are("web rules=2 members=2\n"
		  "web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		  "web 10.0.0.2 0 0 weight=1 max=0 backup=0 ready\n"
		  "dns rules=1 members=1\n"
		  "dns 10.0.0.1 53 17 weight=1 max=0 backup=0 ready\n");
	shell(__LINE__, "-F");
	await_pool(__LINE__, "", "web rules=0 members=2\n"
		   "web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		   "web 10.0.0.2 0 0 weight=1 max=0 backup=0 ready\n"
		   "dns rules=0 members=1\n"
		   "dns 10.0.0.1 53 17 weight=1 max=0 backup=0 ready\n");
	accepted("pool_del pool=web");
}

static void test_rules_of_their_own(void)
{
	static const char rule[] = "-A PREROUTING -p tcp -j LEASTCONN --to 10.0.0.1:80,10.0.0.2:80,weight=3";

	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.2 port=80");
	shell(__LINE__, rule);
	pools_are("web rules=0 members=1\n"
		  "web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n"
		  "rule rules=1 members=2 persistent-mask=32\n"
		  "rule 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		  "rule 10.0.0.2 80 6 weight=3 max=0 backup=0 ready\n");
	/* The state is the backend's, wherever it is, and stays. */
	accepted("state addr=10.0.0.2 state=1\nstate addr=10.0.0.1 state=2");
	accepted("pool_del pool=web");
	shell(__LINE__, "-F");
	await_pool(__LINE__, "", "");
	backends_are("10.0.0.2 80 6 drain\n10.0.0.1 80 6 down\n");
	shell(__LINE__, rule);
	pools_are("rule rules=1 members=2 persistent-mask=32\n"
		  "rule 10.0.0.1 80 6 weight=1 max=0 backup=0 down\n"
		  "rule 10.0.0.2 80 6 weight=3 max=0 backup=0 drain\n");
	accepted("state addr=10.0.0.1 state=0\nstate addr=10.0.0.2 state=0");
	backends_are("10.0.0.2 80 6 ready\n10.0.0.1 80 6 ready\n");
	shell(__LINE__, "-F");
	await_pool(__LINE__, "", "");
	shell(__LINE__, "-A PREROUTING -p tcp -j LEASTCONN --to 10.0.0.1:80 --max-fails 3 --fail-timeout 20 --slow-start 30 --redispatch --persistent 60 --persistent-mask 24");
	pools_are("rule rules=1 members=1 max-fails=3 fail-timeout=20 slow-start=30 redispatch=1 persistent=60 persistent-mask=24\n"
		  "rule 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n");
	shell(__LINE__, "-F");
	await_pool(__LINE__, "", "");
}

/* ---- all of them ---- */

static const struct {
	const char	*name;
	void		(*run)(void);
} tests[] = {
	{ "pools",		test_pools },
	{ "backends",		test_backends },
	{ "terms",		test_terms },
	{ "settings",		test_settings },
	{ "states",		test_states },
	{ "ahead",		test_ahead },
	{ "filters",		test_filters },
	{ "bad_values",		test_bad_values },
	{ "missing_attributes",	test_missing_attributes },
	{ "foreign_attributes",	test_foreign_attributes },
	{ "bad_lengths",	test_bad_lengths },
	{ "bad_framing",	test_bad_framing },
	{ "commands",		test_commands },
	{ "all_or_nothing",	test_all_or_nothing },
	{ "in_their_order",	test_in_their_order },
	{ "most_pools",		test_most_pools },
	{ "most_backends",	test_most_backends },
	{ "most_states",	test_most_states },
	{ "paged_dumps",	test_paged_dumps },
	{ "a_dump_is_of_its_moment", test_a_dump_is_of_its_moment },
	{ "dumps_while_changing", test_dumps_while_changing },
	{ "several_who_change",	test_several_who_change },
	{ "who_may",		test_who_may },
	{ "namespaces",		test_namespaces },
	{ "kills",		test_kills },
	{ "events",		test_events },
	{ "events_of_load",	test_events_of_load },
	{ "events_of_health",	test_events_of_health },
	{ "a_slow_listener",	test_a_slow_listener },
	{ "rules_that_name_a_pool", test_rules_that_name_a_pool },
	{ "rules_of_their_own",	test_rules_of_their_own },
};

/* Whoever was used once too often, or too seldom, shows now. */
static void nothing_is_left(void)
{
	struct listing all = {};

	clean(talk);
	list_all(&all, talk);
	if (strncmp(all.text, "Family ", 7) ||
	    strchr(all.text, '\n') != all.text + all.length - 1)
		die("in the end there is\n%s", all.text);
	listing_free(&all);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc != 2 || strcmp(argv[1], tests[i].name))
			continue;
		if (unshare(CLONE_NEWNET))
			die("no namespace: %m");
		die_first = say_what;
		talk = talk_open();
		tests[i].run();
		nothing_is_left();
		return 0;
	}
	fprintf(stderr, "usage: family TEST\n");
	return 2;
}
