/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_CLIENTS_H
#define LC_CLIENTS_H

#include "pool.h"
#include "record.h"

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
 * struct lc_client_filter - selects clients
 * @pool: backends of which one is the client's; NULL: any
 * @family: the client's; 0: any
 * @prefix: length of the prefix in @from, in bits
 * @from: an address of @family. It selects the clients whose prefix begins with this
 *	one, or is the beginning of it
 */
struct lc_client_filter {
	struct lc_pool_keys	*pool;
	u8			family;
	u8			prefix;
	union nf_inet_addr	from;
};

/**
 * struct lc_client_cursor - a place in a list of all clients
 * @bucket: the bucket
 * @last: the last client of this bucket that has been listed
 * @has_last: @last is valid
 */
struct lc_client_cursor {
	unsigned int		bucket;
	struct lc_client_key	last;
	bool			has_last;
};

/**
 * struct lc_client_row - a copy of a client
 * @key: identifies the client
 * @prefix: length of the prefix in @key.from, in bits
 * @backend: its backend
 * @seconds: until it expires, rounded up
 */
struct lc_client_row {
	struct lc_client_key	key;
	u8			prefix;
	struct lc_backend_key	backend;
	u32			seconds;
};

/**
 * struct lc_clients - the clients of a network namespace and their backends
 * @lock: protects all of this
 * @buckets: clients by key; NULL: no rule or pool is persistent
 * @lru: all clients; the one that connected, or was refreshed, longest ago comes first
 * @count: how many clients there are
 * @random: for the hash
 * @records: the namespace's connections
 * @due: a bit for each bucket; only lc_clients_expire() uses it
 * @least: the least timeout of a client, in seconds, or less; U32_MAX: the next client
 *	is the first one
 * @least_seen: the same of the clients that the pass in progress has visited, and of
 *	those that have connected since it began
 * @interval: jiffies between two passes of lc_clients_expire()
 * @next: jiffies of the next pass
 */
struct lc_clients {
	spinlock_t		lock;	/* all of this */
	struct hlist_head	*buckets;
	struct list_head	lru;
	unsigned int		count;
	u32			random;
	struct lc_records	*records;
	unsigned long		*due;
	u32			least;
	u32			least_seen;
	u64			interval;
	u64			next;
};

int lc_client_init(void);
void lc_client_exit(void);
void lc_clients_init(struct lc_clients *clients, struct lc_records *records);
int lc_clients_open(struct lc_clients *clients);
void lc_clients_close(struct lc_clients *clients);

void lc_client_mask(struct lc_client_key *key, unsigned int prefix);
bool lc_client_find(struct lc_clients *clients, const struct lc_client_key *key,
		    struct lc_backend_key *backend);
bool lc_client_set(struct lc_clients *clients, const struct lc_client_key *key,
		   unsigned int prefix, const struct lc_backend_key *backend,
		   unsigned int timeout);
bool lc_clients_next(struct lc_clients *clients, struct lc_client_cursor *cursor,
		     const struct lc_client_filter *filter,
		     struct lc_client_row *row);
void lc_clients_flush(struct lc_clients *clients,
		      const struct lc_client_filter *filter);
u64 lc_clients_expire(struct lc_clients *clients);

#endif /* LC_CLIENTS_H */
