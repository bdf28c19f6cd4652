// SPDX-License-Identifier: GPL-2.0-only
/* Several who change, at the same time. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dice.h"
#include "ask.h"
#include "patience.h"
#include "tests.h"

static atomic_bool enough;

struct changer {
	pthread_t	thread;
	int		number;
	unsigned int	done;
	unsigned int	refused;
};

static void *change_at_random(void *arg)
{
	struct changer *changer = arg;
	struct talk *own = talk_open();
	struct message *message;
	struct answer answer;

	dice_seed(changer->number, 0);
	while (!atomic_load(&enough)) {
		message = message_new(LEASTCONN_CMD_CHANGE);
		for (int i = dice(6); i >= 0; i--) {
			static const char *const words[] = {
				"pool_add pool=p%d", "pool_del pool=p%d",
				"add pool=p%d addr=10.0.0.%d port=80",
				"add pool=p%d addr=10.0.0.%d port=80",
				"set pool=p%d addr=10.0.0.%d port=80 weight=0",
				"del pool=p%d addr=10.0.0.%d port=80",
				"pool_set pool=p%d max-fails=%d redispatch=1",
			};
			int pool = dice(3), host = dice(8);

			if (dice(8)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				change(message, one_of(words), pool,
				       host + 1);
#pragma GCC diagnostic pop
			} else {
				change(message, "state addr=10.0.0.%d port=80 proto=6 state=%d ahead",
				       host + 1, pool);
			}
		}
		ask(own, message, NULL, NULL, &answer);
		if (answer.error && answer.error != ENOENT &&
		    answer.error != EEXIST)
			die("%s: %s", strerrorname_np(answer.error), answer.text);
		answer.error ? changer->refused++ : changer->done++;
		message_free(message);
	}
	talk_close(own);
	return NULL;
}

void test_several_who_change(void)
{
	struct changer changers[3] = {};
	uint64_t end = deadline(1500);

	atomic_store(&enough, false);
	for (int i = 0; i < 3; i++) {
		changers[i].number = i + 1;
		if (pthread_create(&changers[i].thread, NULL, change_at_random,
				   &changers[i]))
			die("no thread: %m");
	}
	while (now_ms() < end) {
		struct listing all = {};

		list_all(&all, talk);
		listing_free(&all);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(changers[i].thread, NULL);
		printf("# %u changes, %u refused\n", changers[i].done,
		       changers[i].refused);
	}
}
