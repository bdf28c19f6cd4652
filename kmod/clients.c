// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients: the last backend of each client, for persistent pools.
 *
 * Clients belong to the namespace. A client is identified by its own address and the
 * service it connects to, not by a rule: a rule may be replaced. The backend is kept as
 * a key, so no reference is needed. If there are too many clients, the one that connected
 * longest ago is dropped. A client that has a connection does not expire; see
 * lc_clients_expire().
 */
#include <linux/bitmap.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>

#include "addr.h"
#include "clients.h"
#include "mem.h"

#define LC_CLIENT_BUCKETS	32768U
#define LC_PREFIXES	129	/* lengths of a prefix */
#define LC_WALK_PREFIXES	8	/* of each family, in one walk through the records */
#define LC_EXPIRE_BUCKETS	256U	/* without dropping the lock */
#define LC_EXPIRE_PARTS	(LC_CLIENT_BUCKETS / LC_EXPIRE_BUCKETS)
#define LC_EXPIRE_LEAST	HZ	/* between two passes of lc_clients_expire() */
#define LC_EXPIRE_MOST	(10 * HZ)
#define LC_EXPIRE_REST	50U	/* times as long as a pass takes */
#define LC_FILTER_BUCKETS	32U	/* the same, where clients are compared with a filter */

/**
 * struct lc_client - a client and its backend
 * @node: in its bucket
 * @list: in lc_clients.lru
 * @key: identifies the client
 * @backend: the client's last backend
 * @expires: jiffies when the client is dropped
 * @timeout: seconds from its last connection to that
 * @prefix: length of the prefix in the key's address, in bits
 */
struct lc_client {
	struct hlist_node	node;
	struct list_head	list;
	struct lc_client_key	key;
	struct lc_backend_key	backend;
	u64			expires;
	u32			timeout;
	u8			prefix;
};

static struct kmem_cache *client_cache __read_mostly;

/**
 * lc_client_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_client_init(void)
{
	/* Keys are hashed and compared as words: they must have no padding. */
	BUILD_BUG_ON(sizeof(struct lc_client_key) != 36);

	client_cache = kmem_cache_create("leastconn_client",
					 sizeof(struct lc_client), 0, 0, NULL);
	return client_cache ? 0 : -ENOMEM;
}

/**
 * lc_client_exit() - the module unloads, after all its namespaces have ended
 */
void lc_client_exit(void)
{
	kmem_cache_destroy(client_cache);
}

/**
 * lc_clients_init() - set up a namespace's clients
 * @clients: zeroed memory
 * @records: the namespace's
 *
 * No clients are added before lc_clients_open().
 *
 * Context: any.
 */
void lc_clients_init(struct lc_clients *clients, struct lc_records *records)
{
	spin_lock_init(&clients->lock);
	clients->records = records;
	clients->least = U32_MAX;
	clients->least_seen = U32_MAX;
	INIT_LIST_HEAD(&clients->lru);
}

/**
 * lc_clients_open() - allow clients to be added
 * @clients: the namespace's
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or -ENOMEM.
 */
int lc_clients_open(struct lc_clients *clients)
{
	struct hlist_head *buckets;
	unsigned long *due;
	int err = -ENOMEM;

	if (READ_ONCE(clients->buckets))
		return 0;
	buckets = lc_mem_zalloc(LC_CLIENT_BUCKETS * sizeof(*buckets));
	due = lc_mem_zalloc(BITS_TO_LONGS(LC_CLIENT_BUCKETS) * sizeof(*due));
	if (buckets && due) {
		err = 0;
		spin_lock_bh(&clients->lock);
		if (!clients->buckets) {
			clients->random = get_random_u32();
			swap(clients->buckets, buckets);
			swap(clients->due, due);
		}
		spin_unlock_bh(&clients->lock);
	}
	kvfree(buckets);
	kvfree(due);
	return err;
}

static void client_del(struct lc_clients *clients, struct lc_client *client)
{
	hlist_del(&client->node);
	list_del(&client->list);
	clients->count--;
	kmem_cache_free(client_cache, client);
}

/**
 * lc_clients_close() - the namespace ends: free its clients
 * @clients: the namespace's; no packet uses them any more
 *
 * Context: may sleep.
 */
void lc_clients_close(struct lc_clients *clients)
{
	struct lc_client *client, *next;

	list_for_each_entry_safe(client, next, &clients->lru, list) {
		client_del(clients, client);
		cond_resched();
	}
	kvfree(clients->due);
	kvfree(clients->buckets);
}

/* Return: one 32-bit word of a network mask. */
static u32 prefix_word(unsigned int prefix, unsigned int word)
{
	unsigned int bits = prefix > 32 * word ? min(prefix - 32 * word, 32U) : 0;

	return (__force u32)cpu_to_be32(bits ? ~0U << (32 - bits) : 0);
}

/* All bits of an address that is shorter than the prefix count. */
static unsigned int prefix_clamp(unsigned int prefix, u8 family)
{
	return min(prefix, family == NFPROTO_IPV6 ? 128U : 32U);
}

/**
 * lc_client_mask() - clear the bits of a client's address that are beyond a prefix
 * @key: the client
 * @prefix: length of the prefix in bits; all bits of a shorter address count
 *
 * Context: any.
 */
void lc_client_mask(struct lc_client_key *key, unsigned int prefix)
{
	unsigned int words = key->family == NFPROTO_IPV6 ? 4 : 1;
	unsigned int i;

	for (i = 0; i < words; i++)
		key->from.all[i] &= prefix_word(prefix, i);
}

/* Return: the index of the client's bucket. */
static u32 client_hash(const struct lc_clients *clients,
		       const struct lc_client_key *key)
{
	return jhash2((const u32 *)key, sizeof(*key) / sizeof(u32),
		      clients->random) % LC_CLIENT_BUCKETS;
}

static struct lc_client *client_find_at(const struct lc_clients *clients,
					const struct lc_client_key *key, u32 index)
{
	struct lc_client *client;

	hlist_for_each_entry(client, &clients->buckets[index], node)
		if (!memcmp(&client->key, key, sizeof(*key)))
			return client;
	return NULL;
}

static struct lc_client *client_find(const struct lc_clients *clients,
				     const struct lc_client_key *key,
				     struct hlist_head **bucket)
{
	u32 index = client_hash(clients, key);

	*bucket = &clients->buckets[index];
	return client_find_at(clients, key, index);
}

/**
 * lc_client_find() - find the last backend of a client
 * @clients: the namespace's
 * @key: the client
 * @backend: receives the backend's key
 *
 * Context: any.
 * Return: false if the client is not known, or has expired.
 */
bool lc_client_find(struct lc_clients *clients, const struct lc_client_key *key,
		    struct lc_backend_key *backend)
{
	struct hlist_head *bucket;
	struct lc_client *client;
	bool found = false;

	spin_lock_bh(&clients->lock);
	client = clients->buckets ? client_find(clients, key, &bucket) : NULL;
	if (client && time_before64(get_jiffies_64(), client->expires)) {
		*backend = client->backend;
		found = true;
	}
	spin_unlock_bh(&clients->lock);
	return found;
}

/* No memory cgroup is charged for clients: there may be no more than entries. */
static unsigned int max_clients(void)
{
	return min_not_zero(READ_ONCE(nf_conntrack_max), LC_MAX_CLIENTS);
}

/* If there are too many clients, drop the one that connected longest ago. */
static struct lc_client *client_alloc(struct lc_clients *clients)
{
	struct lc_client *client;

	if (clients->count >= max_clients())
		client_del(clients, list_first_entry(&clients->lru,
						     struct lc_client, list));
	client = kmem_cache_alloc(client_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (client)
		clients->count++;
	return client;
}

/* Jiffies between two passes of lc_clients_expire(), by the least timeout. */
static u64 expire_interval(u32 least)
{
	return clamp_t(u64, (u64)least * HZ / 2, LC_EXPIRE_LEAST, LC_EXPIRE_MOST);
}

/* Called under the lock. Return: true if the next pass is earlier than it was. */
static bool clients_see_timeout(struct lc_clients *clients, u32 timeout)
{
	bool first = clients->least == U32_MAX;
	u64 next;

	clients->least_seen = min(clients->least_seen, timeout);
	if (timeout >= clients->least)
		return false;
	clients->least = timeout;
	clients->interval = expire_interval(timeout);
	next = get_jiffies_64() + clients->interval;
	if (!first && !time_before64(next, clients->next))
		return false;
	clients->next = next;
	return true;
}

/**
 * lc_client_set() - set the last backend of a client
 * @clients: the namespace's
 * @key: the client
 * @prefix: as for lc_client_mask()
 * @backend: the backend
 * @timeout: seconds until the client expires if it does not connect again
 *
 * If memory is short, a new client is not added.
 *
 * Context: any. Does not sleep.
 * Return: true if lc_clients_expire() has to be called earlier than it said: this is
 *	the first client, or its timeout is shorter than those of the others.
 */
bool lc_client_set(struct lc_clients *clients, const struct lc_client_key *key,
		   unsigned int prefix, const struct lc_backend_key *backend,
		   unsigned int timeout)
{
	struct hlist_head *bucket;
	struct lc_client *client;
	bool earlier = false;

	spin_lock_bh(&clients->lock);
	if (!clients->buckets)
		goto unlock;
	client = client_find(clients, key, &bucket);
	if (client) {
		list_move_tail(&client->list, &clients->lru);
	} else {
		client = client_alloc(clients);
		if (!client)
			goto unlock;
		client->key = *key;
		hlist_add_head(&client->node, bucket);
		list_add_tail(&client->list, &clients->lru);
	}
	client->backend = *backend;
	client->prefix = prefix_clamp(prefix, key->family);
	client->timeout = timeout;
	client->expires = get_jiffies_64() + (u64)timeout * HZ;
	earlier = clients_see_timeout(clients, timeout);
unlock:
	spin_unlock_bh(&clients->lock);
	return earlier;
}

static bool is_expired(const struct lc_client *client, u64 now)
{
	return !time_before64(now, client->expires);
}

static bool client_matches(const struct lc_client *client,
			   const struct lc_client_filter *filter)
{
	unsigned int prefix = min(client->prefix, filter->prefix);
	u32 differs = 0;
	unsigned int i;

	if (filter->pool && !lc_pool_keys_have(filter->pool, &client->backend))
		return false;
	if (!filter->family)
		return true;
	for (i = 0; i < 4; i++)
		differs |= (client->key.from.all[i] ^ filter->from.all[i]) &
			   prefix_word(prefix, i);
	return client->key.family == filter->family && !differs;
}

/*
 * The clients of a bucket are listed in the order of their keys. So those that are
 * added or dropped between two of them do not matter to the others.
 */
static const struct lc_client *find_next(const struct hlist_head *bucket,
					 const struct lc_client_cursor *cursor,
					 const struct lc_client_filter *filter)
{
	const struct lc_client *client, *next = NULL;
	u64 now = get_jiffies_64();

	hlist_for_each_entry(client, bucket, node) {
		if (cursor->has_last && memcmp(&client->key, &cursor->last,
					       sizeof(cursor->last)) <= 0)
			continue;
		if (next && memcmp(&client->key, &next->key,
				   sizeof(next->key)) > 0)
			continue;
		if (!is_expired(client, now) && client_matches(client, filter))
			next = client;
	}
	return next;
}

static void copy_client(const struct lc_client *client, struct lc_client_row *row)
{
	u64 left = client->expires - get_jiffies_64();

	*row = (struct lc_client_row) {
		.key		= client->key,
		.prefix		= client->prefix,
		.backend	= client->backend,
		.seconds	= (s64)left > 0 ? div_u64(left + HZ - 1, HZ) : 0,
	};
}

/* Search a part of the buckets. Return: true if a client was found. */
static bool clients_search_part(struct lc_clients *clients,
				struct lc_client_cursor *cursor,
				const struct lc_client_filter *filter,
				struct lc_client_row *row)
{
	const struct lc_client *client = NULL;
	unsigned int end = min(cursor->bucket + LC_FILTER_BUCKETS,
			       LC_CLIENT_BUCKETS);

	spin_lock_bh(&clients->lock);
	while (cursor->bucket < end) {
		client = find_next(&clients->buckets[cursor->bucket], cursor,
				   filter);
		if (client)
			break;
		cursor->bucket++;
		cursor->has_last = false;
	}
	if (client) {
		cursor->last = client->key;
		cursor->has_last = true;
		copy_client(client, row);
	}
	spin_unlock_bh(&clients->lock);
	return client;
}

/**
 * lc_clients_next() - list the next client that a filter selects
 * @clients: the namespace's
 * @cursor: where to go on; zeroed memory at first
 * @filter: selects clients
 * @row: receives the client
 *
 * The lock is held for LC_FILTER_BUCKETS at a time. A client that is there from the
 * first call to the last one is listed once.
 *
 * Context: may sleep.
 * Return: false if there is no other client, or the process is being killed.
 */
bool lc_clients_next(struct lc_clients *clients, struct lc_client_cursor *cursor,
		     const struct lc_client_filter *filter,
		     struct lc_client_row *row)
{
	if (!READ_ONCE(clients->buckets))
		return false;
	while (cursor->bucket < LC_CLIENT_BUCKETS &&
	       !fatal_signal_pending(current)) {
		if (clients_search_part(clients, cursor, filter, row))
			return true;
		cond_resched();
	}
	return false;
}

static void clients_flush_part(struct lc_clients *clients, unsigned int part,
			       const struct lc_client_filter *filter)
{
	struct hlist_head *bucket = &clients->buckets[part * LC_FILTER_BUCKETS];
	struct lc_client *client;
	struct hlist_node *next;
	unsigned int i;

	spin_lock_bh(&clients->lock);
	for (i = 0; i < LC_FILTER_BUCKETS; i++)
		hlist_for_each_entry_safe(client, next, &bucket[i], node)
			if (client_matches(client, filter))
				client_del(clients, client);
	spin_unlock_bh(&clients->lock);
}

/**
 * lc_clients_flush() - forget the clients that a filter selects
 * @clients: the namespace's
 * @filter: selects clients
 *
 * Context: may sleep.
 */
void lc_clients_flush(struct lc_clients *clients,
		      const struct lc_client_filter *filter)
{
	unsigned int part;

	if (!READ_ONCE(clients->buckets))
		return;
	for (part = 0; part < LC_CLIENT_BUCKETS / LC_FILTER_BUCKETS; part++) {
		clients_flush_part(clients, part, filter);
		cond_resched();
	}
}

/**
 * struct clients_pass - a pass of lc_clients_expire()
 * @clients: the namespace's
 * @now: jiffies when it began
 * @until: clients that expire up to then are due
 * @least_stay: jiffies that a client stays at least that has been refreshed
 * @prefixes: lengths of the prefixes of the clients that are due, by lc_family_index();
 *	those that records have not been visited for yet
 * @walk: those that records are visited for now
 * @any: a client is due
 */
struct clients_pass {
	struct lc_clients	*clients;
	u64			now;
	u64			until;
	u64			least_stay;
	unsigned long		prefixes[2][BITS_TO_LONGS(LC_PREFIXES)];
	unsigned long		walk[2][BITS_TO_LONGS(LC_PREFIXES)];
	bool			any;
};

static bool is_due(const struct lc_client *client, const struct clients_pass *pass)
{
	return !time_after64(client->expires, pass->until);
}

static void pass_find_due(struct clients_pass *pass, unsigned int part)
{
	struct lc_clients *clients = pass->clients;
	const unsigned int end = (part + 1) * LC_EXPIRE_BUCKETS;
	const struct lc_client *client;
	unsigned int i;

	spin_lock_bh(&clients->lock);
	for (i = part * LC_EXPIRE_BUCKETS; i < end; i++) {
		hlist_for_each_entry(client, &clients->buckets[i], node) {
			clients->least_seen = min(clients->least_seen,
						  client->timeout);
			if (!is_due(client, pass))
				continue;
			__set_bit(i, clients->due);
			__set_bit(client->prefix,
				  pass->prefixes[lc_family_index(client->key.family)]);
			pass->any = true;
		}
	}
	spin_unlock_bh(&clients->lock);
}

static bool record_has_backend(const struct lc_record *record,
			       const struct lc_backend_key *key)
{
	const struct lc_dests *dests = &record->dests;

	return (dests->exact && lc_backend_key_equal(&dests->exact->key, key)) ||
	       (dests->any_port && lc_backend_key_equal(&dests->any_port->key, key));
}

static void client_refresh(struct lc_client *client, const struct clients_pass *pass)
{
	client->expires = pass->now + max((u64)client->timeout * HZ,
					  pass->least_stay);
	list_move_tail(&client->list, &pass->clients->lru);
}

static void pass_refresh_key(struct clients_pass *pass,
			     const struct lc_record *record,
			     const struct lc_client_key *key)
{
	struct lc_clients *clients = pass->clients;
	u32 index = client_hash(clients, key);
	struct lc_client *client;

	if (!test_bit(index, clients->due))
		return;
	/* Bottom halves are off. */
	spin_lock(&clients->lock);
	client = client_find_at(clients, key, index);
	if (client && is_due(client, pass) &&
	    record_has_backend(record, &client->backend))
		client_refresh(client, pass);
	spin_unlock(&clients->lock);
}

/* Called under the record's lock. */
static void pass_visit_record(const struct lc_record *record, void *data)
{
	const struct lc_record_key *from = &record->key;
	struct clients_pass *pass = data;
	struct lc_client_key key;
	unsigned int prefix;

	if (!lc_phase_is_active(lc_record_phase(record)))
		return;
	for_each_set_bit(prefix, pass->walk[lc_family_index(from->family)],
			 LC_PREFIXES) {
		key = (struct lc_client_key) {
			.from	= from->src,
			.to	= from->dst,
			.port	= lc_proto_has_ports(from->proto) ? from->dst_id : 0,
			.proto	= from->proto,
			.family	= from->family,
		};
		lc_client_mask(&key, prefix);
		pass_refresh_key(pass, record, &key);
	}
}

/*
 * A few prefix lengths at a time: the lock of a part of the records is not held for
 * longer. Return: false if there are no more.
 */
static bool pass_begin_walk(struct clients_pass *pass)
{
	unsigned int family, prefix, n;
	bool any = false;

	for (family = 0; family < ARRAY_SIZE(pass->walk); family++) {
		bitmap_zero(pass->walk[family], LC_PREFIXES);
		for (n = 0; n < LC_WALK_PREFIXES; n++) {
			prefix = find_first_bit(pass->prefixes[family], LC_PREFIXES);
			if (prefix >= LC_PREFIXES)
				break;
			__clear_bit(prefix, pass->prefixes[family]);
			__set_bit(prefix, pass->walk[family]);
			any = true;
		}
	}
	return any;
}

static void pass_refresh(struct clients_pass *pass)
{
	struct lc_records *records = pass->clients->records;
	unsigned int part;

	while (pass_begin_walk(pass)) {
		/* The end of the namespace waits for this. */
		for (part = 0; records->open && part < LC_TABLE_LOCKS; part++) {
			lc_records_visit(records, part, pass_visit_record, pass);
			cond_resched();
		}
	}
}

static void pass_drop_expired(struct clients_pass *pass, unsigned int part)
{
	struct lc_clients *clients = pass->clients;
	unsigned int end = (part + 1) * LC_EXPIRE_BUCKETS;
	unsigned int i = part * LC_EXPIRE_BUCKETS;
	struct lc_client *client;
	struct hlist_node *next;

	spin_lock_bh(&clients->lock);
	for_each_set_bit_from(i, clients->due, end)
		hlist_for_each_entry_safe(client, next, &clients->buckets[i], node)
			if (is_expired(client, pass->now))
				client_del(clients, client);
	spin_unlock_bh(&clients->lock);
}

/* Refresh clients that have a connection; drop the others that have expired. */
static void run_pass(struct clients_pass *pass)
{
	unsigned int part;

	bitmap_zero(pass->clients->due, LC_CLIENT_BUCKETS);
	for (part = 0; part < LC_EXPIRE_PARTS; part++) {
		pass_find_due(pass, part);
		cond_resched();
	}
	if (!pass->any)
		return;
	pass_refresh(pass);
	for (part = 0; part < LC_EXPIRE_PARTS; part++) {
		pass_drop_expired(pass, part);
		cond_resched();
	}
}

/* Called under the lock. Return: false if no pass is needed now. */
static bool clients_begin_pass(struct lc_clients *clients,
			       struct clients_pass *pass)
{
	u64 now = get_jiffies_64();

	if (!clients->count)
		clients->least = U32_MAX;
	if (!clients->count || time_before64(now, clients->next))
		return false;
	*pass = (struct clients_pass) {
		.clients	= clients,
		.now		= now,
		.until		= now + 2 * clients->interval,
		.least_stay	= 2 * clients->interval,
	};
	clients->least_seen = U32_MAX;
	return true;
}

/* Called under the lock. */
static void clients_end_pass(struct lc_clients *clients, u64 took)
{
	clients->least = clients->count ? clients->least_seen : U32_MAX;
	clients->interval = clamp_t(u64, div_u64(LC_EXPIRE_REST * took,
						 NSEC_PER_SEC / HZ),
				    expire_interval(clients->least),
				    LC_EXPIRE_MOST);
	clients->next = get_jiffies_64() + clients->interval;
}

/* Nanoseconds; the time of other processes does not count. */
static u64 clients_cpu_time(void)
{
	return current->se.sum_exec_runtime;
}

/**
 * lc_clients_expire() - drop expired clients, except those that have a connection
 * @clients: the namespace's
 *
 * A client is refreshed, as a template of IPVS, while it has an active connection to
 * its backend. New connections do not pay for that: no packet links a record to a
 * client, or the reverse. Instead a pass visits all clients, some 1,000 under the lock
 * at a time, and marks the buckets of those that are due: that expire before the pass
 * after the next one. If there are any, it visits the records once, a 256th of them under
 * each lock; more often if the clients that are due have more than LC_WALK_PREFIXES
 * prefix lengths. Of an active record it composes the client's key, for each of these
 * lengths (mostly one), and hashes it. Only if the bucket is marked the client is looked
 * up. Measured in User-Mode Linux on a busy machine: the visit of 100,000 clients takes
 * 3 ms, which is all while none is due; if all of them are due, and all of 100,000 records
 * have to look one up, a pass takes 140 ms, 1.4 us a record.
 *
 * The next pass begins after half of the least timeout, but not before 1 s, nor before
 * LC_EXPIRE_REST times what the pass took, and after 10 s at most. So passes take 2 % of
 * a processor at most, except where one takes more than 0.2 s. A client with a timeout
 * of 2 s or more is refreshed before it expires, unless passes take too long for that;
 * then it is refreshed later, for twice the time between them.
 *
 * Context: process, may sleep. There is one caller at a time.
 * Return: jiffies until it is to be called again; U64_MAX: there are no clients.
 */
u64 lc_clients_expire(struct lc_clients *clients)
{
	struct clients_pass pass;
	u64 began = clients_cpu_time();
	u64 wait = U64_MAX;
	bool begun;

	spin_lock_bh(&clients->lock);
	begun = clients_begin_pass(clients, &pass);
	spin_unlock_bh(&clients->lock);
	if (begun)
		run_pass(&pass);
	spin_lock_bh(&clients->lock);
	if (begun)
		clients_end_pass(clients, clients_cpu_time() - began);
	if (clients->count)
		wait = max_t(s64, clients->next - get_jiffies_64(), 0);
	spin_unlock_bh(&clients->lock);
	return wait;
}
