/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_LATE_H
#define LC_LATE_H

struct lc_retries;
struct nf_hook_state;
struct sk_buff;

unsigned int lc_late(const struct lc_retries *retries, struct sk_buff *skb,
		     const struct nf_hook_state *state);

#endif /* LC_LATE_H */
