// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl/nl.c with the kernel of kernel.c, which sends what no kernel sends, and what
 * one seldom does: interruptions, leftovers of other requests, dumps that are
 * torn, lengths that lie, thousands of damaged datagrams. Linked with sanitizers.
 *
 * A round runs in a child: the program may end by a refusal, never otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../ctl/nl.h"
#include "../../ctl/request.h"
#include "../dice.h"
#include "../ktap.h"
#include "kernel.h"

#define DAMAGED_ROUNDS	1000
#define MOST		16

/* What is received, one after the other. */
static struct datagram {
	int	error;
	size_t	length;
	char	bytes[2048] __attribute__((aligned(8)));
} datagrams[MOST];
static unsigned int count, at, messages;

static void *here(void)
{
	return datagrams[count].bytes + datagrams[count].length;
}

static void add_message(size_t size)
{
	datagrams[count].length += size;
}

static void end_datagram(void)
{
	count++;
}

static void fails(int error)
{
	datagrams[count++].error = error;
}

static void answer_backend(void)
{
	struct nlmsghdr *nlh = kernel_row(here(), LEASTCONN_CMD_GET_BACKENDS);

	mnl_attr_put_u32(nlh, LEASTCONN_A_PORT, 80);
	add_message(nlh->nlmsg_len);
}

static void answer_done(uint16_t flags, int error)
{
	add_message(kernel_put_done(here(), flags, error));
	end_datagram();
}

static void answer_error(int error, const char *sentence, uint32_t offset,
			 bool whole)
{
	add_message(kernel_put_error(here(), error, sentence, offset, whole));
	end_datagram();
}

static void answer_family(void)
{
	add_message(kernel_put_family(here()));
	end_datagram();
	answer_error(0, NULL, 0, false);
}

/* What each round answers to a request of ours, once the family is known. */
static void (*answer)(void);
static unsigned int damaged;

void kernel_receive(const struct nlmsghdr *nlh, size_t length)
{
	(void)length;
	memset(datagrams, 0, sizeof(datagrams));
	count = at = messages = 0;
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		answer_family();
	else
		answer();
	for (unsigned int i = 0; damaged && i < count; i++)
		datagrams[i].length = dice_damage(datagrams[i].bytes,
						  datagrams[i].length);
}

/* Behind the last datagram the program ends. */
ssize_t kernel_send(char *buf, size_t room)
{
	struct datagram *datagram = &datagrams[at];

	(void)room;
	if (at++ >= count)
		exit(1);
	if (datagram->error) {
		errno = datagram->error;
		return -1;
	}
	memcpy(buf, datagram->bytes, datagram->length);
	return datagram->length;
}

static void count_message(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh, (void)data;
	messages++;
}

static enum nl_dump_result dump(struct nl_refusal *refusal)
{
	enum nl_dump_result result;
	struct request request;
	struct nl *nl = nl_open();

	request_begin(&request, LEASTCONN_CMD_GET_BACKENDS);
	result = nl_dump(nl, &request, count_message, NULL, refusal);
	request_free(&request);
	nl_close(nl);
	return result;
}

static void two_backends(void)
{
	fails(EINTR);
	answer_backend();
	end_datagram();
	fails(EINTR);
	answer_backend();
	answer_done(0, 0);
}

static void test_interrupted(void)
{
	struct nl_refusal refusal;

	answer = two_backends;
	if (dump(&refusal) != NL_DUMPED || messages != 2)
		fail("%u messages", messages);
}

static void leftovers(void)
{
	kernel_seq--;
	answer_backend();
	answer_done(0, 0);
	kernel_seq++;
	answer_backend();
	answer_done(0, 0);
}

static void test_leftovers_of_another_request(void)
{
	struct nl_refusal refusal;

	answer = leftovers;
	if (dump(&refusal) != NL_DUMPED || messages != 1)
		fail("%u messages", messages);
}

static void torn(void)
{
	answer_backend();
	answer_done(NLM_F_DUMP_INTR, 0);
}

static void overflown(void)
{
	answer_backend();
	end_datagram();
	fails(ENOBUFS);
}

static void test_torn(void)
{
	struct nl_refusal refusal;

	answer = torn;
	if (dump(&refusal) != NL_TORN)
		fail("a torn dump passes");
	answer = overflown;
	if (dump(&refusal) != NL_TORN)
		fail("a dump with a part lost passes");
}

static void late_error(void)
{
	answer_backend();
	answer_done(0, -ENOMEM);
}

static void whole_error(void)
{
	answer_error(EEXIST, "it is \033there", 77, true);
}

static void capped_error(void)
{
	answer_error(EEXIST, "it is there", 77, false);
}

static void silent_error(void)
{
	answer_error(EPERM, NULL, 0, false);
}

static void test_refusals(void)
{
	struct nl_refusal refusal;

	answer = late_error;
	if (dump(&refusal) != NL_DUMP_REFUSED || refusal.error != ENOMEM)
		fail("a dump that fails at last: %d", refusal.error);
	answer = whole_error;
	if (dump(&refusal) != NL_DUMP_REFUSED || refusal.error != EEXIST ||
	    refusal.offset != 77 || strcmp(refusal.text, "it is  there") != 0)
		fail("after a copy of the request: %d, %u, %s", refusal.error,
		     refusal.offset, refusal.text);
	answer = capped_error;
	if (dump(&refusal) != NL_DUMP_REFUSED || refusal.error != EEXIST ||
	    refusal.offset != 77 || strcmp(nl_sentence(&refusal), "it is there") != 0)
		fail("without one: %d, %u, %s", refusal.error, refusal.offset,
		     refusal.text);
	answer = silent_error;
	if (dump(&refusal) != NL_DUMP_REFUSED ||
	    !strstr(nl_sentence(&refusal), "needs root"))
		fail("EPERM: %s", nl_sentence(&refusal));
}

static void everything(void)
{
	switch (dice(4)) {
	case 0:
		whole_error();
		break;
	case 1:
		capped_error();
		break;
	case 2:
		leftovers();
		break;
	default:
		two_backends();
	}
}

static void test_damaged(void)
{
	struct nl_refusal refusal;
	int status;

	answer = everything;
	fflush(stdout);
	for (damaged = 1; damaged <= DAMAGED_ROUNDS; damaged++) {
		if (fork() == 0) {
			/* Refusals are many. */
			fclose(stderr);
			stderr = fopen("/dev/null", "w");
			dice_seed(damaged, 0);
			dump(&refusal);
			_exit(0);
		}
		if (wait(&status) < 0 || !WIFEXITED(status) ||
		    WEXITSTATUS(status) > 1)
			fail("round %u: status %x", damaged,
			     (unsigned int)status);
	}
	damaged = 0;
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "interrupted", test_interrupted },
		{ "leftovers of another request", test_leftovers_of_another_request },
		{ "torn dumps", test_torn },
		{ "refusals", test_refusals },
		{ "damaged", test_damaged },
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
