/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_REQUEST_H
#define LC_REQUEST_H

#include <net/netlink.h>

#include "change.h"
#include "clients.h"

#define LC_CHANGES_POLICY_SIZE	(LEASTCONN_A_CHANGE + 1)
#define LC_POOLS_POLICY_SIZE	(LEASTCONN_A_POOL + 1)
#define LC_BACKENDS_POLICY_SIZE	(LEASTCONN_A_PROTO + 1)
#define LC_CLIENTS_POLICY_SIZE	(LEASTCONN_A_CLIENT_PREFIX + 1)

/* The attributes of the commands; GET_CLIENTS and FLUSH_CLIENTS have the same. */
extern const struct nla_policy lc_changes_policy[LC_CHANGES_POLICY_SIZE];
extern const struct nla_policy lc_pools_policy[LC_POOLS_POLICY_SIZE];
extern const struct nla_policy lc_backends_policy[LC_BACKENDS_POLICY_SIZE];
extern const struct nla_policy lc_clients_policy[LC_CLIENTS_POLICY_SIZE];

int lc_request_read(struct lc_request *request, const struct nlattr *change,
		    struct netlink_ext_ack *extack);
int lc_request_read_key(struct lc_request *request, struct nlattr *tb[],
			struct netlink_ext_ack *extack);
int lc_request_read_client(struct lc_client_filter *filter, struct nlattr *tb[],
			   struct netlink_ext_ack *extack);

#endif /* LC_REQUEST_H */
