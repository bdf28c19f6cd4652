/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_RECORD_H
#define LC_RECORD_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack_tuple.h>

#include "pool.h"

/**
 * struct lc_record_key - names a conntrack entry without holding it
 * @tuple: of the original direction
 * @zone: conntrack zone id in that direction
 * @pad: zero
 *
 * Hashed as bytes: no padding.
 */
struct lc_record_key {
	struct nf_conntrack_tuple	tuple;
	u16				zone;
	u16				pad;
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

/**
 * struct lc_record - one connection that counts
 * @node: in lc_records.table until @gone
 * @key: constant
 * @lock: @load, @phase, @gone and @checked. Taken inside conntrack's bucket locks, so
 *	nothing that takes those may be called under it; the table's own locks
 *	nest inside
 * @gone: out of @node's table, counts nothing
 * @checked: the reaper has looked for its entry since it began or was renewed
 * @phase: &enum lc_phase it is counted in
 * @load: where it is counted; each is held
 * @fresh: on its way to the reaper
 * @due: in the reaper's wheel
 * @rcu: frees it after the last reader
 *
 * It never holds the conntrack entry: pinned entries break early drop and make
 * namespace exit spin.
 */
struct lc_record {
	struct rhash_head	node;
	struct lc_record_key	key;
	spinlock_t		lock;	/* load, phase, gone, checked */
	bool			gone;
	bool			checked;
	u8			phase;
	struct lc_load		load;
	union {
		struct llist_node	fresh;
		struct list_head	due;
		struct rcu_head		rcu;
	};
};

/**
 * struct lc_records - the recorded connections of a network namespace
 * @table: by key; readers under RCU
 * @open: there is a table
 */
struct lc_records {
	struct rhashtable	table;
	bool			open;
};

int lc_record_init(void);
void lc_record_exit(void);
int lc_records_open(struct lc_records *records);
void lc_records_close(struct lc_records *records);

unsigned int lc_records_count(struct lc_records *records);
struct lc_record *lc_record_find(struct lc_records *records,
				 const struct lc_record_key *key);
struct lc_record *lc_record_alloc(struct lc_records *records, unsigned int max);
int lc_record_add(struct lc_records *records, struct lc_record *record,
		  const struct lc_load *load, enum lc_phase phase);
bool lc_record_renew(struct lc_records *records,
		     const struct lc_record_key *key,
		     const struct lc_load *load, enum lc_phase phase,
		     bool begins);
void lc_record_set(struct lc_record *record, const struct lc_load *load,
		   enum lc_phase phase, bool begins);
void lc_record_del(struct lc_records *records, struct lc_record *record);

#endif /* LC_RECORD_H */
