// SPDX-License-Identifier: GPL-2.0-only
/* Backends of pools, and their terms. */
#include <errno.h>

#include "ask.h"
#include "tests.h"

void test_backends(void)
{
	accepted("pool_add pool=web\npool_add pool=six\npool_add pool=dns");
	accepted("add pool=web addr=10.0.0.1 port=80");
	accepted("add pool=web addr=10.0.0.2 port=65535 proto=6 weight=65535 max-conns=4294967295 backup=1 state=1");
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

	refused("add pool=no addr=10.0.0.1", ENOENT,
		"no pool \"no\": see leastconnctl list");
	refused("add pool=web addr=10.0.0.1 port=80", EEXIST,
		"pool \"web\" already has this backend");
	refused("add pool=web addr=10.0.0.3 weight=2", EEXIST,
		"pool \"web\" already has this backend");
	refused("add pool=web addr=fd00::1", EINVAL,
		"the pool's backends are IPv4");
	refused("add pool=web addr=10.0.0.4 port=80 proto=17", EINVAL,
		"the pool's backends are proto tcp");
	refused("set pool=no addr=10.0.0.1 port=80", ENOENT,
		"no pool \"no\": see leastconnctl list");
	refused("set pool=web addr=10.0.0.1 port=81", ENOENT,
		"pool \"web\" has no such backend");
	refused("set pool=web addr=10.0.0.1", ENOENT,
		"pool \"web\" has no such backend");
	refused("set pool=web addr=10.0.0.1 port=80 proto=17", ENOENT,
		"pool \"web\" has no such backend");
	refused("del pool=no addr=10.0.0.1", ENOENT,
		"no pool \"no\": see leastconnctl list");
	refused("del pool=web addr=10.0.0.3 port=80", ENOENT,
		"pool \"web\" has no such backend");
}

/* What is not given stays; one that has gone comes back last. */
void test_terms(void)
{
	accepted("pool_add pool=web\n"
		 "add pool=web addr=10.0.0.1 port=80 weight=3 max-conns=7 backup=1\n"
		 "add pool=web addr=10.0.0.2 port=80");
	accepted("set pool=web addr=10.0.0.1 port=80 weight=0");
	pool_is("web", "web rules=0 members=2\n"
		"web 10.0.0.1 80 6 weight=0 max=7 backup=1 ready\n"
		"web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n");
	accepted("set pool=web addr=10.0.0.1 port=80 proto=6 max-conns=0");
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
