// SPDX-License-Identifier: GPL-2.0-only
/* Dumps, in pieces and while others change what they tell. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "ask.h"
#include "patience.h"
#include "tests.h"

#define MANY	4200	/* backends of a pool, more than a piece of a dump */

static void add_many(const char *pool)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);

	for (int i = 0; i < MANY; i++)
		change(message, "add pool=%s addr=10.7.%d.%d port=80 weight=%d",
		       pool, i >> 8, i & 255, i);
	accepted_at(HERE, message);
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

void test_paged_dumps(void)
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

/* At the first row: change what the last row tells, then delete the pool. */
static void delete_and_add(const struct nlmsghdr *nlh, void *data)
{
	struct reading *reading = data;
	struct message *message;
	struct answer answer;

	if (!reading->listing.length) {
		message = message_of("set pool=many addr=10.7.16.103 port=80 weight=1 max-conns=1 backup=1 state=2\n"
				     "state addr=10.7.16.103 state=0\n"
				     "pool_del pool=many\npool_add pool=new");
		ask(reading->other, message, NULL, NULL, &answer);
		if (answer.error)
			die("while a dump is read: %s", answer.text);
		message_free(message);
	}
	listing_add_row(&reading->listing, nlh);
}

void test_a_dump_is_of_its_moment(void)
{
	struct message *message = message_new(LEASTCONN_CMD_GET_POOLS);
	struct reading reading = { .other = talk_open() };
	struct listing wanted = {};
	struct answer answer;

	accepted("pool_add pool=many");
	add_many("many");
	add_many_lines(&wanted, "many");
	ask(talk, message, delete_and_add, &reading, &answer);
	compare(HERE, "the listing of before", wanted.text,
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

void test_dumps_while_changing(void)
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
