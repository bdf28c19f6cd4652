// SPDX-License-Identifier: GPL-2.0-only
/* Filters of listings. */
#include <errno.h>

#include "ask.h"
#include "tests.h"

#define matching_are(filter, wanted)					\
	listing_is(HERE, LEASTCONN_CMD_GET_BACKENDS, filter, wanted)

static void listing_refused(struct place place, uint8_t cmd, const char *filter,
			    unsigned int type, int error, const char *text)
{
	struct message *message = message_new(cmd);
	struct listing listing = {};
	struct answer answer;

	attributes(message, "%s", filter);
	list(&listing, talk, cmd, filter, &answer);
	/* Older kernels have no words for a dump that does not begin. */
	if (text && !*answer.text && !kernel_is_from(6, 12))
		check_refusal(place, &answer, error, answer.offset, NULL);
	else
		check_refusal(place, &answer, error,
			      attribute_of(message, type), text);
	if (answer.rows)
		fail("refused, and %u rows", answer.rows);
	listing_free(&listing);
	message_free(message);
}

void test_filters(void)
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

	listing_refused(HERE, LEASTCONN_CMD_GET_POOLS, "pool=d",
			LEASTCONN_A_POOL, ENOENT, "no such pool");
	listing_refused(HERE, LEASTCONN_CMD_GET_POOLS, "pool=" NAME31 "5",
			LEASTCONN_A_POOL, POLICY, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_POOLS, "port=1",
			LEASTCONN_A_PORT, EINVAL, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_BACKENDS, "pool=a",
			LEASTCONN_A_POOL, EINVAL, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_BACKENDS, "state=0",
			LEASTCONN_A_STATE, EINVAL, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_BACKENDS, "port=65536",
			LEASTCONN_A_PORT, ERANGE, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_BACKENDS, "family=3",
			LEASTCONN_A_FAMILY, EINVAL,
			"the family is neither IPv4 nor IPv6");
	listing_refused(HERE, LEASTCONN_CMD_GET_BACKENDS, "raw=10.0.0.1",
			LEASTCONN_A_ADDRESS, EINVAL,
			"the family of the address is missing");
	listing_refused(HERE, LEASTCONN_CMD_GET_BACKENDS,
			"family=10 raw=10.0.0.1", LEASTCONN_A_ADDRESS, EINVAL,
			"address length does not match its family");

	/* Clients, if any are remembered. */
	listing_is(HERE, LEASTCONN_CMD_GET_CLIENTS, "pool=a", "");
	listing_is(HERE, LEASTCONN_CMD_GET_CLIENTS, "family=10", "");
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS, "pool=d",
			LEASTCONN_A_POOL, ENOENT, "no such pool");
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS, "pool=" NAME31 "5",
			LEASTCONN_A_POOL, POLICY, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS, "port=1",
			LEASTCONN_A_PORT, EINVAL, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS, "expires=1",
			LEASTCONN_A_EXPIRES, EINVAL, NULL);
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS, "family=3",
			LEASTCONN_A_FAMILY, EINVAL,
			"the family is neither IPv4 nor IPv6");
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS, "client=10.0.0.1",
			LEASTCONN_A_CLIENT, EINVAL,
			"the family of the address is missing");
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS,
			"family=10 client=10.0.0.1", LEASTCONN_A_CLIENT, EINVAL,
			"address length does not match its family");
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS,
			"family=2 client-prefix=8", LEASTCONN_A_CLIENT_PREFIX,
			EINVAL, "the address of the client is missing");
	listing_refused(HERE, LEASTCONN_CMD_GET_CLIENTS,
			"family=2 client=10.0.0.1 client-prefix=129",
			LEASTCONN_A_CLIENT_PREFIX, ERANGE, NULL);
}
