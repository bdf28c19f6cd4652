// SPDX-License-Identifier: GPL-2.0-only
/* Rules that use pools, and those that have their own. */
#include <errno.h>

#include "ask.h"
#include "patience.h"
#include "scene.h"
#include "tests.h"

void test_rules_that_name_a_pool(void)
{
	accepted("pool_add pool=web\npool_add pool=dns");
	iptables(HERE, "-A PREROUTING -p tcp -j LEASTCONN --pool web");
	pools_are("web rules=1 members=0\ndns rules=0 members=0\n");
	refused("pool_del pool=dns\npool_del pool=web", EBUSY,
		"1 rule uses pool \"web\": delete it first");
	iptables(HERE, "-A OUTPUT -p tcp -j LEASTCONN --pool web");
	iptables(HERE, "-A PREROUTING -p udp -j LEASTCONN --pool dns");
	refused("pool_del pool=web", EBUSY,
		"2 rules use pool \"web\": delete them first");
	refused("add pool=web addr=fd00::1", EINVAL,
		"IPv4 rules use the pool");
	refused("add pool=web addr=10.0.0.1 port=80 proto=17", EINVAL,
		"rules with -p tcp use the pool");
	accepted("add pool=web addr=10.0.0.1 port=80\n"
		 "add pool=web addr=10.0.0.2\n"
		 "add pool=dns addr=10.0.0.1 port=53");
	/* Those in use take other settings, too. */
	accepted("pool_set pool=web max-fails=1 redispatch=1 slow-start=2 persistent=3");
	pool_is("web", "web rules=2 members=2 max-fails=1 slow-start=2 redispatch=1 persistent=3\n"
		"web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		"web 10.0.0.2 0 0 weight=1 max=0 backup=0 ready\n");
	accepted("pool_set pool=web max-fails=4294967295 redispatch=0 slow-start=0 persistent=0");
	pools_are("web rules=2 members=2\n"
		  "web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		  "web 10.0.0.2 0 0 weight=1 max=0 backup=0 ready\n"
		  "dns rules=1 members=1\n"
		  "dns 10.0.0.1 53 17 weight=1 max=0 backup=0 ready\n");
	iptables(HERE, "-F");
	await_pool(HERE, "", "web rules=0 members=2\n"
		   "web 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		   "web 10.0.0.2 0 0 weight=1 max=0 backup=0 ready\n"
		   "dns rules=0 members=1\n"
		   "dns 10.0.0.1 53 17 weight=1 max=0 backup=0 ready\n");
	accepted("pool_del pool=web");
}

void test_rules_of_their_own(void)
{
	static const char rule[] = "-A PREROUTING -p tcp -j LEASTCONN --to 10.0.0.1:80,10.0.0.2:80,weight=3";

	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.2 port=80");
	iptables(HERE, rule);
	pools_are("web rules=0 members=1\n"
		  "web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n"
		  "rule rules=1 members=2 max-fails=3 persistent-mask=32\n"
		  "rule 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n"
		  "rule 10.0.0.2 80 6 weight=3 max=0 backup=0 ready\n");
	/* The state is the backend's, wherever it is, and stays. */
	accepted("state addr=10.0.0.2 state=1\nstate addr=10.0.0.1 state=2");
	accepted("pool_del pool=web");
	iptables(HERE, "-F");
	await_pool(HERE, "", "");
	backends_are("10.0.0.2 80 6 drain\n10.0.0.1 80 6 down\n");
	iptables(HERE, rule);
	pools_are("rule rules=1 members=2 max-fails=3 persistent-mask=32\n"
		  "rule 10.0.0.1 80 6 weight=1 max=0 backup=0 down\n"
		  "rule 10.0.0.2 80 6 weight=3 max=0 backup=0 drain\n");
	accepted("state addr=10.0.0.1 state=0\nstate addr=10.0.0.2 state=0");
	backends_are("10.0.0.2 80 6 ready\n10.0.0.1 80 6 ready\n");
	iptables(HERE, "-F");
	await_pool(HERE, "", "");
	iptables(HERE, "-A PREROUTING -p tcp -j LEASTCONN --to 10.0.0.1:80 --max-fails 3 --fail-timeout 20 --slow-start 30 --redispatch --persistent 60 --persistent-mask 24");
	pools_are("rule rules=1 members=1 max-fails=3 fail-timeout=20 slow-start=30 redispatch=1 persistent=60 persistent-mask=24\n"
		  "rule 10.0.0.1 80 6 weight=1 max=0 backup=0 ready\n");
	iptables(HERE, "-F");
	await_pool(HERE, "", "");
}
