/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CLIENTS_H
#define LC_CLIENTS_H

#include "backend.h"

/** LC_MAX_CLIENTS - most clients a namespace remembers, or nf_conntrack_max if less */
#define LC_MAX_CLIENTS	131072U

/**
 * struct lc_client_key - a client and what it came to
 * @from: its address, without what is not of the prefix
 * @to: the address it asked for, before any translation
 * @port: the port
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
 * struct lc_clients - which backend clients were given last
 * @lock: all of it
 * @buckets: of clients, by key; NULL: nobody wants them remembered
 * @idle: the clients, who came last comes last
 * @count: how many there are
 * @random: of the hash
 */
struct lc_clients {
	spinlock_t		lock;	/* all of it */
	struct hlist_head	*buckets;
	struct list_head	idle;
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
		   const struct lc_backend_key *backend, unsigned int seconds);
bool lc_clients_expire(struct lc_clients *clients);

#endif /* LC_CLIENTS_H */
