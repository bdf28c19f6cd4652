/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_DROPS_H
#define LC_DROPS_H

#include <linux/types.h>

/** LC_DROP_TIME - jiffies until a packet that has not arrived was dropped: two SYNs more */
#define LC_DROP_TIME		(7 * HZ / 2)

/** LC_DROPS - backends of a client that are remembered because it did not reach them */
#define LC_DROPS		3

/**
 * struct lc_drop - a backend that a client has not reached
 * @number: lc_backend.number; 0: none
 * @since: low bits of jiffies, when its first choice was added
 */
struct lc_drop {
	u32	number;
	u32	since;
};

/**
 * struct lc_drops - the backends that a client has not reached
 * @client: the client
 * @when: low bits of jiffies, when the last choice was added
 * @last: the backends; the last one comes first
 *
 * The caller serializes the use.
 */
struct lc_drops {
	u32		client;
	u32		when;
	struct lc_drop	last[LC_DROPS];
};

bool lc_drops_are_recent(const struct lc_drops *drops, u32 client, u32 now);
void lc_drops_add(struct lc_drops *drops, u32 client, u32 number, u32 now);
void lc_drops_remove(struct lc_drops *drops, u32 client, u32 number);
bool lc_drops_have_others(const struct lc_drops *drops, u32 number);
unsigned int lc_drops_last(const struct lc_drops *drops, u32 number, u32 now);
bool lc_drops_for_long(const struct lc_drops *drops, u32 number, u32 now);

#endif /* LC_DROPS_H */
