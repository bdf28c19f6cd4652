// SPDX-License-Identifier: GPL-2.0-only
/* Pools, and their settings. */
#include <errno.h>

#include "ask.h"
#include "tests.h"

void test_pools(void)
{
	pools_are("");
	accepted("pool_add pool=web");
	accepted("pool_add pool=" NAME31 "\npool_add pool=_.-");
	pools_are("web rules=0 members=0\n"
		  NAME31 " rules=0 members=0\n"
		  "_.- rules=0 members=0\n");
	pool_is("web", "web rules=0 members=0\n");
	refused("pool_add pool=web", EEXIST, "pool \"web\" already exists");
	refused("pool_add pool=" NAME31, EEXIST,
		"pool \"" NAME31 "\" already exists");
	refused("pool_del pool=we", ENOENT, "no pool \"we\": see leastconnctl list");
	accepted("pool_del pool=web");
	refused("pool_del pool=web", ENOENT, "no pool \"web\": see leastconnctl list");
	accepted("pool_add pool=web");
	pools_are(NAME31 " rules=0 members=0\n"
		  "_.- rules=0 members=0\n"
		  "web rules=0 members=0\n");
}

/* What is not given stays. Whoever is at a limit is still within. */
void test_settings(void)
{
	accepted("pool_add pool=web max-fails=3 fail-timeout=30 slow-start=60 redispatch=1 persistent=600 persistent-mask=24\n"
		 "pool_add pool=least max-fails=0 fail-timeout=1 slow-start=0 redispatch=0 persistent=0 persistent-mask=1\n"
		 "pool_add pool=most max-fails=4294967294 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800 persistent-mask=128\n"
		 "pool_add pool=none");
	pools_are("web rules=0 members=0 max-fails=3 fail-timeout=30 slow-start=60 redispatch=1 persistent=600 persistent-mask=24\n"
		  "least rules=0 members=0 max-fails=0 fail-timeout=1 persistent-mask=1\n"
		  "most rules=0 members=0 max-fails=4294967294 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800\n"
		  "none rules=0 members=0\n");
	accepted("pool_set pool=web max-fails=0");
	accepted("pool_set pool=web fail-timeout=10\npool_set pool=web redispatch=0");
	accepted("pool_set pool=least max-fails=4294967294 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800 persistent-mask=128");
	accepted("pool_set pool=most max-fails=0 fail-timeout=1 slow-start=0 redispatch=0 persistent=0 persistent-mask=1");
	/* Nothing is given: all stays. */
	accepted("pool_set pool=none\npool_set pool=web");
	pools_are("web rules=0 members=0 max-fails=0 slow-start=60 persistent=600 persistent-mask=24\n"
		  "least rules=0 members=0 max-fails=4294967294 fail-timeout=604800 slow-start=604800 redispatch=1 persistent=604800\n"
		  "most rules=0 members=0 max-fails=0 fail-timeout=1 persistent-mask=1\n"
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
	accepted("pool_set pool=web max-fails=4294967295 slow-start=0 redispatch=0 persistent=0 persistent-mask=128\n"
		 "del pool=web addr=10.0.0.2");
	pools_are("web rules=0 members=2\n"
		  "web 10.0.0.1 80 6 weight=3 max=0 backup=0 ready\n"
		  "web 10.0.0.3 0 0 weight=1 max=0 backup=1 ready\n"
		  "none rules=0 members=0\n"
		  "most rules=0 members=0 redispatch=1\n");

	refused("pool_set pool=no", ENOENT, "no pool \"no\": see leastconnctl list");
	refused("pool_set pool=least max-fails=1", ENOENT, "no pool \"least\": see leastconnctl list");
	refused("pool_add pool=web max-fails=1", EEXIST,
		"pool \"web\" already exists");
	refused("pool_del pool=web\npool_set pool=web max-fails=1", ENOENT,
		"no pool \"web\": see leastconnctl list");
	refused("pool_set pool=web max-fails=1 redispatch=1\n"
		"pool_set pool=most redispatch=0 slow-start=5\n"
		"pool_set pool=web max-fails=2\nset pool=web addr=10.0.0.9",
		ENOENT, "pool \"web\" has no such backend");
}
