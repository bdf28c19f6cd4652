/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_FAIL_H
#define LC_FAIL_H

#include <linux/types.h>

struct lc_net;
struct nf_conn;
struct sk_buff;

bool lc_fail(struct lc_net *ln, const struct nf_conn *ct, u8 reason);
u8 lc_fail_reason(const struct sk_buff *skb, u8 family);

#endif /* LC_FAIL_H */
