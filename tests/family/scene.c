// SPDX-License-Identifier: GPL-2.0-only
/* What there is before a test, and after it. */
#include <stdlib.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>

#include "../genl/clean.h"
#include "ask.h"
#include "scene.h"

void some_state(void)
{
	accepted("pool_add pool=web\n"
		 "add pool=web addr=10.0.0.1 port=80 weight=5\n"
		 "add pool=web addr=10.0.0.2 port=80 backup=1\n"
		 "pool_add pool=six\n"
		 "add pool=six addr=fd00::1 max-conns=3\n"
		 "pool_add pool=none\n"
		 "state addr=10.0.0.2 state=1\n"
		 "state addr=10.0.0.7 state=2 ahead");
}

void nothing_is_left(void)
{
	struct listing all = {};

	clean(talk);
	list_all(&all, talk);
	if (strncmp(all.text, "Family ", 7) ||
	    strchr(all.text, '\n') != all.text + all.length - 1)
		die("in the end there is\n%s", all.text);
	listing_free(&all);
}

/* A rule of the nat table, here. */
void iptables(struct place place, const char *format, ...)
{
	const char *program = getenv("LC_IPTABLES");
	char command[512];
	va_list args;
	int length, status;

	length = snprintf(command, sizeof(command), "%s -w -t nat ",
			  program ? program : "iptables");
	va_start(args, format);
	vsnprintf(command + length, sizeof(command) - length, format, args);
	va_end(args);
	fflush(stdout);
	status = system(command);
	if (status)
		fail("%s: status %#x", command, (unsigned int)status);
}
