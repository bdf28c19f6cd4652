// SPDX-License-Identifier: GPL-2.0-only
/* The number of conntrack entries that a change has deleted. */
#include <stdio.h>

#include "attr.h"
#include "killed.h"

void killed_read(const struct nlmsghdr *nlh, void *data)
{
	struct killed *killed = data;
	struct attrs attrs;

	attrs_read(nlh, &attrs);
	if (!attrs_have(&attrs, LEASTCONN_A_KILLED))
		return;
	killed->reported = true;
	killed->count = attrs_u32(&attrs, LEASTCONN_A_KILLED);
}

void killed_print(const struct killed *killed)
{
	if (killed->reported)
		printf("%u conntrack %s deleted\n", killed->count,
		       killed->count == 1 ? "entry" : "entries");
}
