// SPDX-License-Identifier: GPL-2.0-only
/* Events, and who listens to them. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "ask.h"
#include "flows.h"
#include "patience.h"
#include "scene.h"
#include "tests.h"

static const char *const events[LEASTCONN_EVENT_MAX + 1] = {
	"none", "pool added", "pool deleted", "added", "changed", "deleted",
	"state", "drained", "full", "not full", "pool changed", "ejected",
	"back",
};

static struct talk *listener;

/* What came last, of which the messages from here on have not been read. */
static char came[1 << 16] __attribute__((aligned(8)));
static const struct nlmsghdr *next;
static int left;

/* Several can come at once. Return: NULL when none does. */
static const struct nlmsghdr *next_message(void)
{
	const struct nlmsghdr *nlh;
	ssize_t got;

	if (!left) {
		got = mnl_socket_recvfrom(talk_socket(listener), came,
					  sizeof(came));
		if (got < 0)
			return NULL;
		next = (void *)came;
		left = got;
	}
	nlh = next;
	if (!mnl_nlmsg_ok(nlh, left) ||
	    nlh->nlmsg_type != talk_family(listener))
		die("%d bytes that are no event", left);
	next = mnl_nlmsg_next(nlh, &left);
	return nlh;
}

/* The next one that comes, as a line. Return: false when none does. */
static bool next_event(struct listing *line)
{
	const struct nlmsghdr *nlh = next_message();
	const struct genlmsghdr *genl;
	const struct nlattr *attr;

	listing_free(line);
	if (!nlh)
		return false;
	genl = mnl_nlmsg_get_payload(nlh);
	attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(*genl));
	if (genl->cmd != LEASTCONN_CMD_EVENT ||
	    mnl_attr_get_type(attr) != LEASTCONN_A_EVENT ||
	    mnl_attr_get_u32(attr) > LEASTCONN_EVENT_MAX)
		die("no event");
	listing_add(line, "%s: ", events[mnl_attr_get_u32(attr)]);
	listing_add_row(line, nlh);
	return true;
}

static void event_is(struct place place, const char *wanted)
{
	struct listing got = {};

	if (!next_event(&got))
		fail("no event: %m; expected %s", wanted);
	compare(place, "the event", wanted, got.text);
	listing_free(&got);
}

void test_events(void)
{
	listener = talk_open();
	talk_join_events(listener);
	accepted("pool_add pool=web");
	event_is(HERE, "pool added: web rules=0 members=0\n");
	accepted("add pool=web addr=10.0.0.1 port=80 max-conns=3 backup=1");
	event_is(HERE, "added: web 10.0.0.1 80 6 weight=1 max=3 backup=1 ready\n");
	accepted("set pool=web addr=10.0.0.1 port=80 weight=7");
	event_is(HERE, "changed: web 10.0.0.1 80 6 weight=7 max=3 backup=1 ready\n");
	/* No word of what was refused, nor of what stays. */
	refused("state addr=10.0.0.1 state=2\npool_add pool=web", EEXIST, NULL);
	accepted("state addr=10.0.0.1 state=0");
	accepted("state addr=10.0.0.1 state=1");
	event_is(HERE, "state: 10.0.0.1 80 6 drain\n");
	event_is(HERE, "drained: 10.0.0.1 80 6 drain\n");
	accepted("add pool=web addr=10.0.0.2 port=80 state=2");
	event_is(HERE, "added: web 10.0.0.2 80 6 weight=1 max=0 backup=0 down\n");
	event_is(HERE, "state: 10.0.0.2 80 6 down\n");
	event_is(HERE, "drained: 10.0.0.2 80 6 down\n");
	accepted("state addr=10.0.0.2 state=0\ndel pool=web addr=10.0.0.2 port=80");
	event_is(HERE, "state: 10.0.0.2 80 6 ready\n");
	event_is(HERE, "deleted: web 10.0.0.2 80 6 weight=1 max=0 backup=0 ready\n");
	accepted("state addr=fd00::1 state=2 ahead");
	event_is(HERE, "state: fd00::1 0 0 down\n");
	event_is(HERE, "drained: fd00::1 0 0 down\n");
	accepted("pool_del pool=web");
	event_is(HERE, "pool deleted: web rules=0 members=1\n");
	accepted("pool_add pool=set max-fails=2 persistent-mask=64\n"
		 "add pool=set addr=10.0.0.1");
	event_is(HERE, "pool added: set rules=0 members=1 max-fails=2 persistent-mask=64\n");
	event_is(HERE, "added: set 10.0.0.1 0 0 weight=1 max=0 backup=0 ready\n");
	refused("pool_set pool=set max-fails=3\npool_set pool=no", ENOENT, NULL);
	accepted("pool_set pool=set max-fails=0 slow-start=5");
	event_is(HERE, "pool changed: set rules=0 members=1 max-fails=0 slow-start=5 persistent-mask=64\n");
	accepted("pool_set pool=set redispatch=1\npool_del pool=set");
	event_is(HERE, "pool changed: set rules=0 members=1 max-fails=0 slow-start=5 redispatch=1 persistent-mask=64\n");
	event_is(HERE, "pool deleted: set rules=0 members=1 max-fails=0 slow-start=5 redispatch=1 persistent-mask=64\n");
	talk_close(listener);
}

void test_events_of_load(void)
{
	int server;

	loopback_up();
	server = udp_server(5300);
	listener = talk_open();
	talk_join_events(listener);
	accepted("pool_add pool=dns\nadd pool=dns addr=127.0.0.1 port=5300 proto=17 max-conns=3");
	event_is(HERE, "pool added: dns rules=0 members=1\n");
	event_is(HERE, "added: dns 127.0.0.1 5300 17 weight=1 max=3 backup=0 ready\n");
	udp_flows(server, 5300, 3, 1);
	event_is(HERE, "full: dns 127.0.0.1 5300 17 weight=1 max=3 backup=0 ready\n");
	accepted("set pool=dns addr=127.0.0.1 port=5300 max-conns=4");
	event_is(HERE, "changed: dns 127.0.0.1 5300 17 weight=1 max=4 backup=0 ready\n");
	event_is(HERE, "not full: dns 127.0.0.1 5300 17 weight=1 max=4 backup=0 ready\n");
	/* It is drained only when its last connection has gone. */
	accepted("state addr=127.0.0.1 state=1");
	event_is(HERE, "state: 127.0.0.1 5300 17 drain\n");
	accepted("set pool=dns addr=127.0.0.1 port=5300 max-conns=0");
	event_is(HERE, "changed: dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 drain\n");
	accepted("kill addr=127.0.0.1");
	event_is(HERE, "drained: 127.0.0.1 5300 17 drain\n");
	talk_close(listener);
}

/* The first backend of pool dns, which looks, is refused two flows, and rests. */
static void until_trial(void)
{
	accepted("pool_set pool=dns max-fails=2");
	event_is(HERE, "pool changed: dns rules=0 members=2 max-fails=2 fail-timeout=1\n");
	refused_flows(5300, 2);
	event_is(HERE, "ejected: dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready ejected refused\n");
	await_pool(HERE, "pool=dns", "dns rules=0 members=2 max-fails=2 fail-timeout=1\n"
		   "dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready trial refused\n"
		   "dns 127.0.0.2 5300 17 weight=1 max=0 backup=0 ready\n");
}

/* What fails is told of a backend; what a pool makes of it, of its members. */
void test_events_of_health(void)
{
	static const char in[] = "dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready\n";
	static const char out[] = "dns 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready ejected refused\n";
	static const char other[] = "dns 127.0.0.2 5300 17 weight=1 max=0 backup=0 ready\n";
	char text[512];
	int server;

	loopback_up();
	accepted("pool_add pool=dns max-fails=2 fail-timeout=600\n"
		 "add pool=dns addr=127.0.0.1 port=5300 proto=17\n"
		 "add pool=dns addr=127.0.0.2 port=5300 proto=17\n"
		 "pool_add pool=mild\n"
		 "add pool=mild addr=127.0.0.1 port=5300 proto=17");
	/* Only what a rule has chosen is judged, by all pools. */
	iptables(HERE, "-A OUTPUT -p udp -j LEASTCONN --pool mild");
	listener = talk_open();
	talk_join_events(listener);
	refused_flows(5300, 2);
	snprintf(text, sizeof(text), "ejected: %s", out);
	event_is(HERE, text);
	await_counts(HERE, "127.0.0.1 5300 17 ready 2 0 2 fails=2\n"
		     "127.0.0.2 5300 17 ready 0 0 0\n");
	snprintf(text, sizeof(text), "dns rules=0 members=2 max-fails=2 fail-timeout=600\n%s%s",
		 out, other);
	await_pool(HERE, "pool=dns", text);
	pool_is("mild", "mild rules=1 members=1\n"
		"mild 127.0.0.1 5300 17 weight=1 max=0 backup=0 ready\n");
	/* Nobody is out of a pool that does not look. */
	accepted("pool_set pool=dns max-fails=0 fail-timeout=1");
	event_is(HERE, "pool changed: dns rules=0 members=2 max-fails=0 fail-timeout=1\n");
	snprintf(text, sizeof(text), "back: %s", in);
	event_is(HERE, text);
	/* Nor is one on trial, */
	until_trial();
	accepted("pool_set pool=dns max-fails=0");
	event_is(HERE, "pool changed: dns rules=0 members=2 max-fails=0 fail-timeout=1\n");
	snprintf(text, sizeof(text), "back: %s", in);
	event_is(HERE, text);
	/* or one that has answered on trial. */
	until_trial();
	server = udp_server(5300);
	udp_flows(server, 5300, 1, 1);
	snprintf(text, sizeof(text), "back: %s", in);
	event_is(HERE, text);
	iptables(HERE, "-F");
	talk_close(listener);
}

/* Who is too slow is told so, and nobody waits for him. */
void test_a_slow_listener(void)
{
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);
	struct listing line = {};
	unsigned int heard = 0;
	bool lost = false;
	int size = 4096;

	listener = talk_open();
	setsockopt(mnl_socket_get_fd(talk_socket(listener)), SOL_SOCKET,
		   SO_RCVBUF, &size, sizeof(size));
	talk_join_events(listener);
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.1");
	for (int i = 0; i < 2000; i++)
		change(message, "set pool=web addr=10.0.0.1 weight=%d", i);
	accepted_at(HERE, message);
	pool_is("web", "web rules=0 members=1\n"
		"web 10.0.0.1 0 0 weight=1999 max=0 backup=0 ready\n");
	accepted("pool_add pool=last");
	for (int i = 0; i < 2100; i++) {
		if (next_event(&line)) {
			heard++;
		} else if (errno == ENOBUFS) {
			lost = true;
		} else {
			break;
		}
		/* What is in its buffer was there before. */
		if (lost && heard)
			break;
	}
	printf("# %u events heard\n", heard);
	if (!lost)
		die("nobody says that events were lost");
	listing_free(&line);
	talk_close(listener);
}
