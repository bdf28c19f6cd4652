// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients: the last backend of each client, for persistent pools.
 *
 * Clients belong to the namespace. A client is identified by its own address and the
 * service it connects to, not by a rule: a rule may be replaced. The backend is kept as
 * a key, so no reference is needed. If there are too many clients, the one that connected
 * longest ago is dropped.
 */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>

#include "clients.h"
#include "mem.h"

#define LC_CLIENT_BUCKETS	32768U
#define LC_EXPIRE_BUCKETS	256U	/* without dropping the lock */

/**
 * struct lc_client - a client and its backend
 * @node: in its bucket
 * @list: in lc_clients.lru
 * @key: identifies the client
 * @backend: the client's last backend
 * @expires: jiffies when the client is dropped
 */
struct lc_client {
	struct hlist_node	node;
	struct list_head	list;
	struct lc_client_key	key;
	struct lc_backend_key	backend;
	u64			expires;
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
 *
 * No clients are added before lc_clients_open().
 *
 * Context: any.
 */
void lc_clients_init(struct lc_clients *clients)
{
	spin_lock_init(&clients->lock);
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

	if (READ_ONCE(clients->buckets))
		return 0;
	buckets = lc_mem_zalloc(LC_CLIENT_BUCKETS * sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	spin_lock_bh(&clients->lock);
	if (!clients->buckets) {
		clients->random = get_random_u32();
		swap(clients->buckets, buckets);
	}
	spin_unlock_bh(&clients->lock);
	kvfree(buckets);
	return 0;
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
	kvfree(clients->buckets);
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
	unsigned int i, bits;

	for (i = 0; i < words; i++) {
		bits = prefix > 32 * i ? min(prefix - 32 * i, 32U) : 0;
		key->from.all[i] &= (__force u32)
			cpu_to_be32(bits ? ~0U << (32 - bits) : 0);
	}
}

static struct lc_client *client_find(const struct lc_clients *clients,
				     const struct lc_client_key *key,
				     struct hlist_head **bucket)
{
	u32 hash = jhash2((const u32 *)key, sizeof(*key) / sizeof(u32),
			  clients->random);
	struct lc_client *client;

	*bucket = &clients->buckets[hash % LC_CLIENT_BUCKETS];
	hlist_for_each_entry(client, *bucket, node)
		if (!memcmp(&client->key, key, sizeof(*key)))
			return client;
	return NULL;
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

/**
 * lc_client_set() - set the last backend of a client
 * @clients: the namespace's
 * @key: the client
 * @backend: the backend
 * @timeout: seconds until the client expires if it does not connect again
 *
 * If memory is short, a new client is not added.
 *
 * Context: any. Does not sleep.
 * Return: true if this is the first client: then lc_clients_expire() has to be called
 *	from time to time.
 */
bool lc_client_set(struct lc_clients *clients, const struct lc_client_key *key,
		   const struct lc_backend_key *backend, unsigned int timeout)
{
	struct hlist_head *bucket;
	struct lc_client *client;
	bool first = false;

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
		first = clients->count == 1;
	}
	client->backend = *backend;
	client->expires = get_jiffies_64() + (u64)timeout * HZ;
unlock:
	spin_unlock_bh(&clients->lock);
	return first;
}

static void clients_expire_part(struct lc_clients *clients, unsigned int part)
{
	struct hlist_head *bucket = &clients->buckets[part * LC_EXPIRE_BUCKETS];
	u64 now = get_jiffies_64();
	struct lc_client *client;
	struct hlist_node *next;
	unsigned int i;

	spin_lock_bh(&clients->lock);
	for (i = 0; i < LC_EXPIRE_BUCKETS; i++)
		hlist_for_each_entry_safe(client, next, &bucket[i], node)
			if (!time_before64(now, client->expires))
				client_del(clients, client);
	spin_unlock_bh(&clients->lock);
}

/**
 * lc_clients_expire() - drop all expired clients
 * @clients: the namespace's
 *
 * Each client has a time of its own, so all of them are visited, some 1,000 at a time.
 *
 * Context: process, may sleep.
 * Return: true if there are clients left.
 */
bool lc_clients_expire(struct lc_clients *clients)
{
	unsigned int part;

	if (!READ_ONCE(clients->count))
		return false;
	for (part = 0; part < LC_CLIENT_BUCKETS / LC_EXPIRE_BUCKETS; part++) {
		clients_expire_part(clients, part);
		cond_resched();
	}
	return READ_ONCE(clients->count);
}
