// SPDX-License-Identifier: GPL-2.0-only
/* Kills of connections. */
#include <errno.h>

#include "ask.h"
#include "flows.h"
#include "patience.h"
#include "tests.h"

static void killed(struct place place, int64_t got, int64_t wanted)
{
	if (got != wanted)
		fail("%lld killed, not %lld", (long long)got,
		     (long long)wanted);
}

void test_kills(void)
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
	await_counts(HERE, "127.0.0.1 5300 17 ready 7 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	/* No kill is asked for: nobody is told how many. */
	killed(HERE, accepted("state addr=127.0.0.1 port=5300 state=1"), -1);
	await_counts(HERE, "127.0.0.1 5300 17 drain 7 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	killed(HERE, accepted("state addr=127.0.0.1 port=5300 state=2"), -1);
	await_counts(HERE, "127.0.0.1 5300 17 down 3 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	/* Refused in the end: none. */
	refused("kill addr=127.0.0.1\nkill addr=127.0.0.2", ENOENT,
		"no such backend");
	killed(HERE, accepted("kill addr=127.0.0.1 port=5300"), 3);
	killed(HERE, accepted("kill addr=127.0.0.1 port=5300"), 0);
	await_counts(HERE, "127.0.0.1 5300 17 down 0 0 7\n"
		     "127.0.0.1 5301 17 ready 5 0 5\n");
	killed(HERE, accepted("kill addr=127.0.0.1 port=5301\n"
			      "del pool=dns addr=127.0.0.1 port=5301 kill"), 5);
	await_counts(HERE, "127.0.0.1 5300 17 down 0 0 7\n");
	killed(HERE, accepted("del pool=dns addr=127.0.0.1 port=5300 kill\n"
			      "state addr=127.0.0.1 state=0"), 0);
	backends_are("");
	/* Whoever appears has its connections, that others have tracked. */
	accepted("add pool=dns addr=10.0.0.1");
	udp_flows(server, 5300, 2, 2);
	accepted("add pool=dns addr=127.0.0.1\n"
		 "add pool=dns addr=127.0.0.1 port=5300 proto=17");
	killed(HERE, accepted("del pool=dns addr=127.0.0.1 port=5300 kill"), 2);
}
