/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the header promises of the rule's structure, written a second time.
 */
#ifndef PROMISE_H
#define PROMISE_H

#include <stdbool.h>

#include <linux/netfilter/xt_LEASTCONN.h>

bool proto_has_ports(unsigned int proto);
bool promise_is_kept(const struct xt_leastconn_tginfo *info, bool ipv6,
		     bool ports);

#endif /* PROMISE_H */
