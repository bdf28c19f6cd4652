/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_ENTRY_H
#define LC_ENTRY_H

#include <net/netfilter/nf_conntrack.h>

#include "record.h"

void lc_entry_key(const struct nf_conn *ct, struct lc_record_key *key);
enum lc_phase lc_entry_phase(const struct nf_conn *ct);
bool lc_entry_load(struct lc_backends *backends, const struct nf_conn *ct,
		   struct lc_load *load);
bool lc_entry_fits(const struct nf_conn *ct, const struct lc_load *load);
struct nf_conn *lc_entry_get(struct net *net, const struct lc_record_key *key);

#endif /* LC_ENTRY_H */
