/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_ICMP_H
#define LC_ICMP_H

#include <linux/types.h>

struct nf_conn;
struct sk_buff;

bool lc_icmp_is_no_route(const struct sk_buff *skb, const struct nf_conn *ct, u8 family);
u8 lc_icmp_reason(const struct sk_buff *skb, u8 family);

#endif /* LC_ICMP_H */
