// SPDX-License-Identifier: GPL-2.0-only
/*
 * Retries: which backends redispatched connections have tried.
 *
 * A connection that was taken from a backend is not given to it again while another one
 * can have it. And what the backend that was left sends late must not reach the client:
 * without an entry conntrack does not translate it.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "mem.h"
#include "retry.h"

#define LC_RETRY_SETS	1024U		/* a power of two */
#define LC_RETRY_WAYS	8U		/* connections with the same set */
#define LC_RETRIES	(LC_RETRY_SETS * LC_RETRY_WAYS)
#define LC_RETRY_TIME	(64U * HZ)	/* a server repeats its SYN-ACK for as long */

/**
 * struct lc_retry - a redispatched connection
 * @hash: of the key of its record
 * @when: low bits of jiffies, when it was taken from a backend last
 * @tried: lc_backend.number of the backends that it was taken from; 0: none. Each time
 *	two may count the connection: the backend of its port, and that of the address
 */
struct lc_retry {
	u32	hash;
	u32	when;
	u32	tried[LC_TRIED];
};

/**
 * lc_retries_open() - allocate the memory of a namespace's retries
 * @retries: zeroed memory, or opened before
 *
 * Context: may sleep; the memory is charged to the caller. Calls for a namespace are
 *	serialized.
 * Return: 0 or -ENOMEM.
 */
int lc_retries_open(struct lc_retries *retries)
{
	struct lc_retry *memory;

	if (retries->retries)
		return 0;
	memory = lc_mem_zalloc(LC_RETRIES * (sizeof(*memory) +
					     sizeof(*retries->left)));
	if (!memory)
		return -ENOMEM;
	retries->left = (u64 *)(memory + LC_RETRIES);
	/* Pairs with readers' READ_ONCE(). */
	smp_store_release(&retries->retries, memory);
	return 0;
}

/**
 * lc_retries_close() - the namespace ends
 * @retries: the namespace's; no packet uses them any more
 *
 * Context: may sleep.
 */
void lc_retries_close(struct lc_retries *retries)
{
	kvfree(retries->retries);
}

static unsigned int first_of_set(u32 hash)
{
	return hash % LC_RETRY_SETS * LC_RETRY_WAYS;
}

static u32 age_of(u32 when)
{
	return (u32)jiffies - when;
}

/* Return: the connection's, or NULL: it can replace @oldest, which is NULL if none can. */
static struct lc_retry *find_retry(const struct lc_retries *retries, u32 hash,
				   struct lc_retry **oldest)
{
	struct lc_retry *retry = READ_ONCE(retries->retries), *end;

	*oldest = NULL;
	if (!retry)
		return NULL;
	retry += first_of_set(hash);
	end = retry + LC_RETRY_WAYS;
	for (*oldest = retry; retry < end; retry++) {
		if (READ_ONCE(retry->hash) == hash &&
		    age_of(READ_ONCE(retry->when)) < LC_RETRY_TIME)
			return retry;
		if (age_of(READ_ONCE(retry->when)) >
		    age_of(READ_ONCE((*oldest)->when)))
			*oldest = retry;
	}
	return NULL;
}

/**
 * lc_retry_add() - a connection is taken from a backend
 * @retries: the namespace's
 * @hash: of the key of the connection's record
 * @backend: the backend
 *
 * Context: any.
 */
void lc_retry_add(struct lc_retries *retries, u32 hash,
		  const struct lc_backend *backend)
{
	struct lc_retry *retry, *oldest;
	unsigned int i;

	retry = find_retry(retries, hash, &oldest);
	if (!retry) {
		if (!oldest)
			return;
		retry = oldest;
		*retry = (struct lc_retry) { .hash = hash };
	}
	WRITE_ONCE(retry->when, (u32)jiffies);
	for (i = 0; i < LC_TRIED - 1 && retry->tried[i]; i++)
		;
	WRITE_ONCE(retry->tried[i], backend->number);
}

/**
 * lc_retry_last() - when was a connection taken from this backend last?
 * @retries: the namespace's
 * @hash: of the key of the connection's record
 * @backend: the backend
 *
 * Context: any.
 * Return: a number up to %LC_TRIED that grows with each time that it is taken from a
 *	backend; 0: it was not taken from this one.
 */
unsigned int lc_retry_last(const struct lc_retries *retries, u32 hash,
			   const struct lc_backend *backend)
{
	struct lc_retry *retry, *oldest;
	unsigned int i;

	retry = find_retry(retries, hash, &oldest);
	if (!retry)
		return 0;
	for (i = LC_TRIED; i; i--)
		if (READ_ONCE(retry->tried[i - 1]) == backend->number)
			return i;
	return 0;
}

/**
 * lc_retry_leave() - a backend was left: its late packets are dropped
 * @retries: the namespace's
 * @hash: of what its packets have in common
 *
 * Context: any.
 */
void lc_retry_leave(struct lc_retries *retries, u32 hash)
{
	u64 *left, *end, *oldest;

	if (!READ_ONCE(retries->retries))
		return;
	left = &retries->left[first_of_set(hash)];
	end = left + LC_RETRY_WAYS;
	for (oldest = left; left < end; left++) {
		if (READ_ONCE(*left) >> 32 == hash) {
			oldest = left;
			break;
		}
		if (age_of(READ_ONCE(*left)) > age_of(READ_ONCE(*oldest)))
			oldest = left;
	}
	WRITE_ONCE(*oldest, (u64)hash << 32 | (u32)jiffies);
}

/**
 * lc_retry_left() - does a packet come from a backend that was left?
 * @retries: the namespace's
 * @hash: as for lc_retry_leave()
 *
 * Context: any.
 * Return: true if it does.
 */
bool lc_retry_left(const struct lc_retries *retries, u32 hash)
{
	unsigned int i;
	u64 left;

	if (!READ_ONCE(retries->retries))
		return false;
	for (i = 0; i < LC_RETRY_WAYS; i++) {
		left = READ_ONCE(retries->left[first_of_set(hash) + i]);
		if (left >> 32 == hash)
			return age_of(left) < LC_RETRY_TIME;
	}
	return false;
}
