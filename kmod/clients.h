/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CLIENTS_H
#define LC_CLIENTS_H

#include "backend.h"

/** LC_MAX_CLIENTS - clients of a namespace; nf_conntrack_max is a limit, too */
#define LC_MAX_CLIENTS	131072U

/**
 * struct lc_client_key - a client, and the service that it connects to
 * @from: the client's address; bits beyond the prefix are zero
 * @to: destination address, before translation
 * @port: destination port, before translation
 * @proto: layer-4 protocol
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
struct lc_client_key {
	union nf_inet_addr	from;
	union nf_inet_addr	to;
	__be16			port;
	u8			proto;
	u8			family;
};

/**
 * struct lc_clients - the clients of a network namespace and their backends
 * @lock: protects all of this
 * @buckets: clients by key; NULL: no rule or pool is persistent
 * @lru: all clients; the one that connected longest ago comes first
 * @count: how many clients there are. Read without the lock
 * @random: for the hash
 */
struct lc_clients {
	spinlock_t		lock;	/* all of this */
	struct hlist_head	*buckets;
	struct list_head	lru;
	unsigned int		count;
	u32			random;
};

int lc_client_init(void);
void lc_client_exit(void);
void lc_clients_init(struct lc_clients *clients);
int lc_clients_open(struct lc_clients *clients);
void lc_clients_close(struct lc_clients *clients);

void lc_client_mask(struct lc_client_key *key, unsigned int prefix);
bool lc_client_find(struct lc_clients *clients, const struct lc_client_key *key,
		    struct lc_backend_key *backend);
bool lc_client_set(struct lc_clients *clients, const struct lc_client_key *key,
		   const struct lc_backend_key *backend, unsigned int timeout);
bool lc_clients_expire(struct lc_clients *clients);

#endif /* LC_CLIENTS_H */
