// SPDX-License-Identifier: GPL-2.0-only
/* Values that no honest program sends. */
#include <errno.h>
#include <netinet/in.h>

#include "../array.h"
#include "ask.h"
#include "scene.h"
#include "tests.h"

/* It is about an attribute of the only one. */
static void attribute_refused(struct place place, const char *words,
			      unsigned int type, int error, const char *text)
{
	struct message *message = message_of(words);

	refused_at(place, message, error,
		   attribute_of_change(message, 0, type), text);
}

void test_bad_values(void)
{
	static const char name[] = "not a pool name: use 1 to 31 characters out of A-Z a-z 0-9 _ . -";
	static const char unicast[] = "not a unicast address";
	static const char ports[] = "a port needs protocol tcp, udp, sctp, dccp or udplite";
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
		{ "- op=10", LEASTCONN_A_OP, ERANGE, NULL },
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
		{ "eject addr=10.0.0.1 ejection-time=0", LEASTCONN_A_EJECTION_TIME, ERANGE, NULL },
		{ "eject addr=10.0.0.1 ejection-time=86401", LEASTCONN_A_EJECTION_TIME, ERANGE, NULL },
		{ "eject addr=224.0.0.1", LEASTCONN_A_ADDRESS, EINVAL, unicast },
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
		  "address length does not match its family" },
		{ "add pool=web family=2 raw=fd00::1", LEASTCONN_A_ADDRESS, EINVAL,
		  "address length does not match its family" },
		{ "add pool=web addr=10.0.0.3 port=80 proto=0", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "add pool=web addr=10.0.0.3 port=80 proto=1", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "add pool=web addr=10.0.0.3 port=80 proto=255", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "state addr=10.0.0.1 port=80 proto=47 state=1", LEASTCONN_A_PROTO, EINVAL, ports },
		{ "add pool=web addr=10.0.0.3 proto=6", LEASTCONN_A_PROTO, EINVAL,
		  "a protocol needs a port" },
		{ "add pool=web addr=10.0.0.3 port=0 proto=6", LEASTCONN_A_PROTO, EINVAL,
		  "a protocol needs a port" },
		{ "del pool=web addr=10.0.0.3 proto=255", LEASTCONN_A_PROTO, EINVAL,
		  "a protocol needs a port" },
	};

	some_state();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		about = bad[i].words;
		attribute_refused(HERE, bad[i].words, bad[i].type,
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
			accepted_at(HERE, message);
		else
			refused_at(HERE, message, EINVAL,
				   attribute_of_change(message, 0, LEASTCONN_A_PROTO),
				   ports);
	}
}
