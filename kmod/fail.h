/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_FAIL_H
#define LC_FAIL_H

#include <linux/types.h>

struct lc_backends;
struct lc_dests;
struct lc_healer;
struct lc_records;
struct lc_retries;
struct nf_conn;

bool lc_fail(struct lc_healer *healer, const struct nf_conn *ct, u16 origin,
	     u8 reason);
bool lc_was_redispatched(const struct lc_retries *retries, const struct nf_conn *ct);
bool lc_redispatch(struct lc_records *records, struct lc_retries *retries,
		   struct lc_backends *backends, struct nf_conn *ct);
void lc_answer(struct lc_healer *healer, const struct lc_dests *dests,
	       const struct nf_conn *ct, u16 origin, u32 when);

#endif /* LC_FAIL_H */
