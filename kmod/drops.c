// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops: which backends a client has not reached, because this host dropped its packets or
 * holds them.
 *
 * The client's next connections avoid these backends for a while. There are no packets or
 * locks here.
 */
#include <linux/jiffies.h>
#include <linux/string.h>

#include "drops.h"

#define LC_DROP_AGE	(HZ / 10)	/* a packet may be on its way for as long */
#define LC_DROP_LONG	(2 * HZ)	/* the third SYN comes after three seconds */

/**
 * lc_drops_are_recent() - do these tell of this client's packets?
 * @drops: the drops
 * @client: the client
 * @now: low bits of jiffies
 *
 * Context: any.
 * Return: false if they are those of another client, or too old.
 */
bool lc_drops_are_recent(const struct lc_drops *drops, u32 client, u32 now)
{
	return drops->client == client && now - drops->when < LC_DROP_TIME;
}

/**
 * lc_drops_add() - a packet of a client has not arrived
 * @drops: the client's; another client's are overwritten
 * @client: the client
 * @number: lc_backend.number of the backend that was chosen
 * @now: low bits of jiffies
 *
 * Context: any.
 */
void lc_drops_add(struct lc_drops *drops, u32 client, u32 number, u32 now)
{
	struct lc_drop drop = { .number = number, .since = now };
	struct lc_drop *last = drops->last;
	unsigned int i;

	if (!lc_drops_are_recent(drops, client, now))
		*drops = (struct lc_drops) { .client = client };
	for (i = 0; i < LC_DROPS - 1 && last[i].number != number; i++)
		;
	if (last[i].number == number)
		drop.since = last[i].since;
	memmove(last + 1, last, i * sizeof(*last));
	last[0] = drop;
	drops->when = now;
}

/**
 * lc_drops_remove() - a packet that had not arrived is not to be remembered any more
 * @drops: the client's, or another client's
 * @client: the client
 * @number: as for lc_drops_add()
 *
 * Context: any.
 */
void lc_drops_remove(struct lc_drops *drops, u32 client, u32 number)
{
	unsigned int i;

	for (i = 0; drops->client == client && i < LC_DROPS; i++)
		if (drops->last[i].number == number)
			drops->last[i].number = 0;
}

/**
 * lc_drops_have_others() - has a client not reached another backend?
 * @drops: the client's
 * @number: lc_backend.number of the one that does not count
 *
 * Context: any.
 * Return: true if one is remembered.
 */
bool lc_drops_have_others(const struct lc_drops *drops, u32 number)
{
	unsigned int i;

	for (i = 0; i < LC_DROPS; i++)
		if (drops->last[i].number && drops->last[i].number != number)
			return true;
	return false;
}

static const struct lc_drop *find_drop(const struct lc_drops *drops, u32 number)
{
	unsigned int i;

	for (i = 0; i < LC_DROPS; i++)
		if (drops->last[i].number == number)
			return &drops->last[i];
	return NULL;
}

/**
 * lc_drops_last() - has a client not reached this backend?
 * @drops: the client's
 * @number: lc_backend.number of the backend
 * @now: low bits of jiffies
 *
 * A packet that may still be on its way does not tell.
 *
 * Context: any.
 * Return: a number up to %LC_DROPS that is greater for backends that were tried later;
 *	0: nothing tells.
 */
unsigned int lc_drops_last(const struct lc_drops *drops, u32 number, u32 now)
{
	const struct lc_drop *drop = find_drop(drops, number);

	if (!drop || now - drop->since < LC_DROP_AGE)
		return 0;
	return LC_DROPS - (drop - drops->last);
}

/**
 * lc_drops_for_long() - has a client not reached this backend for more than a moment?
 * @drops: the client's
 * @number: lc_backend.number of the backend
 * @now: low bits of jiffies
 *
 * Context: any.
 * Return: true if it has tried for so long that a repeated SYN was dropped, too.
 */
bool lc_drops_for_long(const struct lc_drops *drops, u32 number, u32 now)
{
	const struct lc_drop *drop = find_drop(drops, number);

	return drop && now - drop->since >= LC_DROP_LONG;
}
