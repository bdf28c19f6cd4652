/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_MESSAGE_H
#define LC_MESSAGE_H

struct lc_client_row;
struct lc_row;
struct sk_buff;

int lc_message_put(struct sk_buff *skb, const struct lc_row *row);
int lc_message_put_client(struct sk_buff *skb, const struct lc_client_row *row);

#endif /* LC_MESSAGE_H */
