// SPDX-License-Identifier: GPL-2.0-only
/* States of backends, those that are there and others. */
#include <errno.h>

#include "ask.h"
#include "tests.h"

void test_states(void)
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

void test_ahead(void)
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
		"a state set ahead needs both port and protocol, or neither");
	refused("state addr=10.0.0.3 proto=6 state=1 ahead", EINVAL,
		"a state set ahead needs both port and protocol, or neither");
	refused("state addr=10.0.0.3 port=0 proto=17 state=1 ahead", EINVAL,
		"a state set ahead needs both port and protocol, or neither");
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.2");
	accepted("add pool=web addr=10.0.0.1 port=80");
	pools_are("web rules=0 members=2\n"
		  "web 10.0.0.2 0 0 weight=1 max=0 backup=0 down\n"
		  "web 10.0.0.1 80 6 weight=1 max=0 backup=0 down\n");
}
