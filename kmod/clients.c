// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients: which backend each was given last, for pools where it is to stay.
 *
 * They are the namespace's, known by what they asked for, not by a rule: rules may
 * be replaced. A backend is noted by its key, so nothing is held. Whoever has been
 * idle longest makes place.
 */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>

#include "clients.h"
#include "mem.h"

#define LC_CLIENT_BUCKETS	32768U
#define LC_EXPIRE_BATCH		1024U

/**
 * struct client - one that is remembered
 * @node: in its bucket
 * @list: in lc_clients.idle
 * @key: who it is
 * @backend: where it was sent
 * @until: jiffies when it is forgotten
 */
struct client {
	struct hlist_node	node;
	struct list_head	list;
	struct lc_client_key	key;
	struct lc_backend_key	backend;
	u64			until;
};

static struct kmem_cache *client_cache __read_mostly;

/**
 * lc_client_init() - the module loads
 *
 * Return: 0 or -ENOMEM.
 */
int __init lc_client_init(void)
{
	/* Hashed and compared as words. */
	BUILD_BUG_ON(sizeof(struct lc_client_key) != 36);

	client_cache = kmem_cache_create("leastconn_client",
					 sizeof(struct client), 0, 0, NULL);
	return client_cache ? 0 : -ENOMEM;
}

/**
 * lc_client_exit() - the module goes, after all its namespaces
 */
void lc_client_exit(void)
{
	kmem_cache_destroy(client_cache);
}

/**
 * lc_clients_init() - make a namespace ready to remember
 * @clients: zeroed memory
 *
 * Context: any.
 */
void lc_clients_init(struct lc_clients *clients)
{
	spin_lock_init(&clients->lock);
	INIT_LIST_HEAD(&clients->idle);
}

/**
 * lc_clients_open() - clients are to be remembered from now on
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

static void forget(struct lc_clients *clients, struct client *client)
{
	hlist_del(&client->node);
	list_del(&client->list);
	clients->count--;
	kmem_cache_free(client_cache, client);
}

/**
 * lc_clients_close() - the namespace goes
 * @clients: the namespace's; no packet comes any more
 *
 * Context: may sleep.
 */
void lc_clients_close(struct lc_clients *clients)
{
	struct client *client, *next;

	list_for_each_entry_safe(client, next, &clients->idle, list) {
		forget(clients, client);
		cond_resched();
	}
	kvfree(clients->buckets);
}

/**
 * lc_client_mask() - leave of a client's address what counts as one client
 * @key: the client
 * @prefix: how many bits; as many as an address has, or more: all
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

static struct client *find(const struct lc_clients *clients,
			   const struct lc_client_key *key,
			   struct hlist_head **bucket)
{
	u32 hash = jhash2((const u32 *)key, sizeof(*key) / sizeof(u32),
			  clients->random);
	struct client *client;

	*bucket = &clients->buckets[hash % LC_CLIENT_BUCKETS];
	hlist_for_each_entry(client, *bucket, node)
		if (!memcmp(&client->key, key, sizeof(*key)))
			return client;
	return NULL;
}

/**
 * lc_client_find() - the backend that a client was given last
 * @clients: the namespace's
 * @key: the client
 * @backend: where to put it
 *
 * Context: any.
 * Return: false when it is not known, or was idle for too long.
 */
bool lc_client_find(struct lc_clients *clients, const struct lc_client_key *key,
		    struct lc_backend_key *backend)
{
	struct hlist_head *bucket;
	struct client *client;
	bool found = false;

	spin_lock_bh(&clients->lock);
	client = clients->buckets ? find(clients, key, &bucket) : NULL;
	if (client && time_before64(get_jiffies_64(), client->until)) {
		*backend = client->backend;
		found = true;
	}
	spin_unlock_bh(&clients->lock);
	return found;
}

/* Their memory is charged to nobody: no more than conntrack may have entries. */
static unsigned int most_clients(void)
{
	return min_not_zero(READ_ONCE(nf_conntrack_max), LC_MAX_CLIENTS);
}

/* Whoever has been idle longest gives way. */
static struct client *client_alloc(struct lc_clients *clients)
{
	struct client *client;

	if (clients->count >= most_clients())
		forget(clients, list_first_entry(&clients->idle,
						 struct client, list));
	client = kmem_cache_alloc(client_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (client)
		clients->count++;
	return client;
}

/**
 * lc_client_set() - remember which backend a client is given
 * @clients: the namespace's
 * @key: the client
 * @backend: the backend
 * @seconds: for how long, unless it comes back
 *
 * Without memory it is not remembered.
 *
 * Context: any. Does not sleep.
 * Return: whether it is the first one: lc_clients_expire() is to be called.
 */
bool lc_client_set(struct lc_clients *clients, const struct lc_client_key *key,
		   const struct lc_backend_key *backend, unsigned int seconds)
{
	struct hlist_head *bucket;
	struct client *client;
	bool first = false;

	spin_lock_bh(&clients->lock);
	if (!clients->buckets)
		goto unlock;
	client = find(clients, key, &bucket);
	if (client) {
		list_move_tail(&client->list, &clients->idle);
	} else {
		client = client_alloc(clients);
		if (!client)
			goto unlock;
		client->key = *key;
		hlist_add_head(&client->node, bucket);
		list_add_tail(&client->list, &clients->idle);
		first = clients->count == 1;
	}
	client->backend = *backend;
	client->until = get_jiffies_64() + (u64)seconds * HZ;
unlock:
	spin_unlock_bh(&clients->lock);
	return first;
}

/**
 * lc_clients_expire() - forget clients that were idle for too long
 * @clients: the namespace's
 *
 * Context: any.
 * Return: whether any are left.
 */
bool lc_clients_expire(struct lc_clients *clients)
{
	unsigned int most = LC_EXPIRE_BATCH;
	struct client *client, *next;
	bool left;

	spin_lock_bh(&clients->lock);
	list_for_each_entry_safe(client, next, &clients->idle, list) {
		if (!most-- || time_before64(get_jiffies_64(), client->until))
			break;
		forget(clients, client);
	}
	left = clients->count;
	spin_unlock_bh(&clients->lock);
	return left;
}
