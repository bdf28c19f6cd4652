// SPDX-License-Identifier: GPL-2.0-only
/* Who may, and in which namespace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "scene.h"
#include "tests.h"

static void everything_is(int error)
{
	static const uint8_t cmds[] = { LEASTCONN_CMD_CHANGE,
					LEASTCONN_CMD_GET_POOLS,
					LEASTCONN_CMD_GET_BACKENDS,
					LEASTCONN_CMD_GET_CLIENTS,
					LEASTCONN_CMD_FLUSH_CLIENTS };
	struct listing rows = {};
	struct answer answer;

	for (size_t i = 0; i < sizeof(cmds); i++) {
		if (cmds[i] == LEASTCONN_CMD_CHANGE ||
		    cmds[i] == LEASTCONN_CMD_FLUSH_CLIENTS) {
			struct message *message = cmds[i] == LEASTCONN_CMD_CHANGE ?
				message_of("pool_add pool=mine") : message_new(cmds[i]);

			ask(talk, message, NULL, NULL, &answer);
			message_free(message);
		} else {
			list(&rows, talk, cmds[i], "", &answer);
		}
		if (answer.error != error)
			die("command %u: %s", cmds[i],
			    answer.error ? strerrorname_np(answer.error) : "done");
	}
	listing_free(&rows);
}

/* Since 6.6 events are not for everybody. */
static void events_are_refused(void)
{
	struct mnl_socket *socket = talk_socket(talk);
	int group;

	if (!kernel_is_from(6, 6))
		return;
	/* It is not known by which number; none of them lets us in. */
	for (group = 1; group < 64; group++) {
		if (!mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP,
					   &group, sizeof(group)))
			mnl_socket_setsockopt(socket, NETLINK_DROP_MEMBERSHIP,
					      &group, sizeof(group));
	}
}

static int nobody(void *arg)
{
	(void)arg;
	if (setgid(65534) || setuid(65534))
		die("not to be nobody: %m");
	/* Neither by the socket of somebody who may, nor by one of our own. */
	everything_is(EPERM);
	talk_close(talk);
	talk = talk_open();
	everything_is(EPERM);
	events_are_refused();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		printf("# no user namespaces: %m\n");
		return 0;
	}
	/* The socket is still of the other namespace. */
	everything_is(EPERM);
	talk_close(talk);
	talk = talk_open();
	everything_is(0);
	pools_are("mine rules=0 members=0\n");
	accepted("pool_del pool=mine");
	return 0;
}

void test_who_may(void)
{
	struct listing before = {}, after = {};
	int status;
	pid_t pid;

	some_state();
	list_all(&before, talk);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = nobody(NULL);
		fflush(stdout);
		_Exit(status);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("status %#x", (unsigned int)status);
	list_all(&after, talk);
	compare(HERE, "somebody else has changed something", before.text,
		after.text);
	listing_free(&before);
	listing_free(&after);
}

/* Each namespace has its own. */
void test_namespaces(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct talk *first = talk;

	some_state();
	if (home < 0 || unshare(CLONE_NEWNET))
		die("no namespace: %m");
	talk = talk_open();
	pools_are("");
	backends_are("");
	accepted("pool_add pool=web\nadd pool=web addr=10.0.0.1 port=80");
	backends_are("10.0.0.1 80 6 ready\n");
	talk_close(talk);
	talk = first;
	if (setns(home, CLONE_NEWNET))
		die("back: %m");
	close(home);
	backends_are("10.0.0.1 80 6 ready\n"
		     "10.0.0.2 80 6 drain\n"
		     "fd00::1 0 0 ready\n"
		     "10.0.0.7 0 0 down\n");
	/* What goes with it, the log and the leak detector say. */
}
