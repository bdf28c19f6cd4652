/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_RECORD_H
#define LC_RECORD_H

#include <linux/bitfield.h>
#include <linux/err.h>
#include <linux/llist.h>
#include <linux/netfilter.h>
#include <linux/slab.h>

#include "backend.h"
#include "table.h"

/**
 * struct lc_record_key - names a conntrack entry without holding it: its
 *	original direction
 * @src: who began it
 * @dst: where to, before any translation; unused bytes of addresses are zero
 * @src_id: port, or what the protocol has instead
 * @dst_id: the same
 * @zone: conntrack zone id
 * @proto: layer-4 protocol
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @rest: all of it but the addresses
 * @words: all of it
 */
struct lc_record_key {
	union {
		struct {
			union nf_inet_addr	src;
			union nf_inet_addr	dst;
			union {
				struct {
					__be16	src_id;
					__be16	dst_id;
					u16	zone;
					u8	proto;
					u8	family;
				};
				u64		rest;
			};
		};
		u32 words[10];
	};
};

/**
 * struct lc_load - the backends one connection is a load of
 * @server: the backend of the connection's address, port and protocol, or NULL
 * @host: the backend that is the connection's whole address, or NULL
 */
struct lc_load {
	struct lc_backend	*server;
	struct lc_backend	*host;
};

/* The reaper has looked for its entry since it began or was renewed. */
#define LC_CHECKED	BIT(0)
/* It was told that the backend failed it. */
#define LC_FAILED	BIT(1)
/* Looks that were in vain: at its entry for an answer, or for its entry. */
#define LC_WAITED	GENMASK(4, 2)
/* How often it was taken from a backend. */
#define LC_TRIES	GENMASK(6, 5)

/** LC_MOST_TRIES - how often that is done at most */
#define LC_MOST_TRIES	3

/**
 * struct lc_record - one connection that counts
 * @node: in lc_records.table, for as long as it counts
 * @key: constant
 * @bucket: where conntrack had its entry last; the reaper's alone
 * @phase: &enum lc_phase it is counted in
 * @marks: LC_CHECKED and so on
 * @due: the reaper's tick to look at it in; the reaper's alone
 * @load: where it is counted; each is held
 * @queue: in the reaper's queue, or on its way there
 *
 * @phase, @marks and @load are written under lc_record_lock(); the reaper also
 * reads them without. It never holds the conntrack entry: pinned entries break
 * early drop and make namespace exit spin.
 */
struct lc_record {
	struct lc_node		node;
	struct lc_record_key	key;
	u32			bucket;
	u8			phase;
	u8			marks;
	u16			due;
	struct lc_load		load;
	struct llist_node	queue;
};

/**
 * struct lc_records - the recorded connections of a network namespace
 * @table: by key. Its locks are taken inside conntrack's, so nothing that takes
 *	those may be called under them; arenas' locks nest inside
 * @random: of the table's hashes
 * @open: there is a table
 */
struct lc_records {
	struct lc_table		table;
	u64			random[10];
	bool			open;
};

extern struct kmem_cache *lc_record_cache;

int lc_record_init(void);
void lc_record_exit(void);
int lc_records_open(struct lc_records *records);
void lc_records_close(struct lc_records *records);

/**
 * lc_records_count() - how many connections are recorded
 * @records: the namespace's
 *
 * Context: any.
 * Return: the number.
 */
static inline unsigned int
lc_records_count(const struct lc_records *records)
{
	return lc_table_count(&records->table);
}

/**
 * lc_record_alloc() - a record whose key is to be filled
 * @records: the namespace's
 * @max: most records there may be; 0: no limit
 *
 * Context: any. Does not sleep.
 * Return: the record, or ERR_PTR(): -ENOSPC over @max, or -ENOMEM.
 */
static inline struct lc_record *lc_record_alloc(struct lc_records *records,
						unsigned int max)
{
	struct lc_record *record;

	if (max && lc_records_count(records) >= max)
		return ERR_PTR(-ENOSPC);
	record = kmem_cache_alloc(lc_record_cache,
				  GFP_ATOMIC | __GFP_NOWARN);
	return record ?: ERR_PTR(-ENOMEM);
}

int lc_record_add(struct lc_records *records, struct lc_record *record,
		  const struct lc_load *load, enum lc_phase phase);
bool lc_record_is(struct lc_records *records, const struct lc_record_key *key);
bool lc_record_renew(struct lc_records *records,
		     const struct lc_record_key *key,
		     const struct lc_load *load, enum lc_phase phase,
		     bool begins);
/* Its connection was taken from a backend, and its client has not tried again. */
static inline bool lc_record_waits(const struct lc_record *record)
{
	return record->phase == LC_ENDED && (record->marks & LC_TRIES);
}

bool lc_record_close(struct lc_records *records,
		     const struct lc_record_key *key, enum lc_phase phase);
bool lc_record_fail(struct lc_records *records,
		    const struct lc_record_key *key);
bool lc_record_retry(struct lc_records *records,
		     const struct lc_record_key *key);
const struct lc_backend *lc_record_left(struct lc_records *records,
					const struct lc_record_key *key);

spinlock_t *lc_record_lock(const struct lc_records *records,
			   const struct lc_record_key *key);
void lc_record_set(struct lc_records *records, struct lc_record *record,
		   const struct lc_load *load, enum lc_phase phase);
void lc_record_del(struct lc_records *records, struct lc_record *record);

#endif /* LC_RECORD_H */
