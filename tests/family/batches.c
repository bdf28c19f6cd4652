// SPDX-License-Identifier: GPL-2.0-only
/* Many changes in a message. */
#include <errno.h>
#include <string.h>

#include "../array.h"
#include "ask.h"
#include "scene.h"
#include "tests.h"

/* Each line is one of its own that would be good; the last one is not. */
void test_all_or_nothing(void)
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
		"set pool=web addr=10.0.0.1 port=80 weight=9\nset pool=web addr=10.0.0.1 port=80 max-conns=9 state=2",
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
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(last); j++) {
			struct message *message = message_of(before[i]);
			unsigned int at = message->count;
			bool policy = strstr(last[j], "65536");

			changes(message, last[j]);
			about = before[i];
			beside = j;
			refused_at(HERE, message, policy ? POLICY : ENOENT,
				   policy ? attribute_of_change(message, at, LEASTCONN_A_PORT) :
				   message->changes[at], NULL);
		}
	}
	/* And without the last one they are done, each on what is left. */
	accepted("pool_add pool=last");
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
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
void test_in_their_order(void)
{
	some_state();
	accepted("del pool=web addr=10.0.0.1 port=80\n"
		 "add pool=web addr=10.0.0.1 port=80\n"
		 "set pool=web addr=10.0.0.1 port=80 max-conns=4\n"
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
		"pool \"p\" already exists");
	refused("pool_del pool=web\nadd pool=web addr=10.0.0.3", ENOENT,
		"no pool \"web\": see leastconnctl list");
	refused("pool_del pool=web\npool_del pool=web", ENOENT,
		"no pool \"web\": see leastconnctl list");
	refused("del pool=web addr=10.0.0.1 port=80\nset pool=web addr=10.0.0.1 port=80",
		ENOENT, "pool \"web\" has no such backend");
	refused("add pool=none addr=10.0.0.3\nadd pool=none addr=10.0.0.3",
		EEXIST, "pool \"none\" already has this backend");
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
