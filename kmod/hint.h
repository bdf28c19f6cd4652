/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HINT_H
#define LC_HINT_H

#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

struct lc_backend;

/* Marks of LC_ORIGIN: the choice depended on nothing but the loads, see reach.c. */
#define LC_FREE		BIT(6)
/* The connection avoided another backend: the choice tells nothing of this one. */
#define LC_LED		BIT(7)

/**
 * struct lc_choice - a choice of a backend for a connection
 * @backend: the backend
 * @hash: of the key of the connection's record
 * @client: the connection's, see lc_ct_client()
 * @origin: marks of LC_ORIGIN for the record
 */
struct lc_choice {
	struct lc_backend	*backend;
	u32			hash;
	u32			client;
	u16			origin;
};

/**
 * struct lc_hint - what a processor chose last
 * @backend: the backend
 * @hash: of the key of the connection's record
 * @client: the connection's
 * @when: low bits of jiffies
 * @origin: marks of LC_ORIGIN for the record; 0: the record has got them
 */
struct lc_hint {
	struct lc_backend __rcu	*backend;
	u32			hash;
	u32			client;
	u32			when;
	u32			origin;
};

DECLARE_PER_CPU(struct lc_hint, lc_hint);

/**
 * lc_hint_get() - the backend that this processor chose last
 *
 * Context: any, under rcu_read_lock().
 * Return: the backend of any namespace, valid until the read section ends, or NULL.
 */
static inline struct lc_backend *lc_hint_get(void)
{
	return rcu_dereference(raw_cpu_ptr(&lc_hint)->backend);
}

/**
 * lc_hint_set() - remember what this processor has chosen
 * @choice: the choice; a pool still lists its backend
 *
 * Context: bottom halves off, under the lock of the pool's scheduler. A backend is
 *	removed from the scheduler before lc_hint_forget(), so no hint is set after that.
 */
static inline void lc_hint_set(const struct lc_choice *choice)
{
	struct lc_hint *hint = raw_cpu_ptr(&lc_hint);

	rcu_assign_pointer(hint->backend, choice->backend);
	WRITE_ONCE(hint->hash, choice->hash);
	WRITE_ONCE(hint->client, choice->client);
	WRITE_ONCE(hint->when, (u32)jiffies);
	WRITE_ONCE(hint->origin, choice->origin);
}

/**
 * lc_hint_cancel() - the packet of the choice that was remembered last goes nowhere
 *
 * Context: any.
 */
static inline void lc_hint_cancel(void)
{
	raw_cpu_write(lc_hint.origin, 0);
}

/**
 * lc_hint_is_pending() - is the connection that this processor chose last not recorded?
 *
 * Context: any.
 * Return: true if its packet was dropped, is held, or has gone to another processor.
 */
static inline bool lc_hint_is_pending(void)
{
	return raw_cpu_read(lc_hint.origin);
}

/**
 * lc_hint_judge() - a backend is judged by the choice of this processor: its packet
 *	cannot be sent
 * @hash: of the key of the connection's record
 * @judged: a mark that the choice gets besides those of LC_ORIGIN
 *
 * Context: any.
 * Return: the marks of LC_ORIGIN; 0: the processor has not chosen for this connection
 *	last, or a backend has been judged by it.
 */
static inline u16 lc_hint_judge(u32 hash, u16 judged)
{
	struct lc_hint *hint = raw_cpu_ptr(&lc_hint);
	u16 origin = READ_ONCE(hint->origin);

	if (READ_ONCE(hint->hash) != hash || !origin || origin & judged)
		return 0;
	WRITE_ONCE(hint->origin, origin | judged);
	return origin;
}

u32 lc_hint_peek(const struct lc_hint *hint, struct lc_choice *choice);

/**
 * lc_hint_drop() - forget the connection, not the backend, that was chosen last
 * @choice: receives the choice; its backend as lc_hint_get()
 *
 * Context: any, under rcu_read_lock().
 * Return: jiffies since the choice.
 */
static inline u32 lc_hint_drop(struct lc_choice *choice)
{
	struct lc_hint *hint = raw_cpu_ptr(&lc_hint);
	u32 age = lc_hint_peek(hint, choice);

	hint->origin = 0;
	return age;
}

/**
 * lc_hint_restore() - undo lc_hint_take()
 * @hash: as for lc_hint_take()
 * @origin: what that returned
 *
 * Context: any.
 */
static inline void lc_hint_restore(u32 hash, u16 origin)
{
	struct lc_hint *hint = raw_cpu_ptr(&lc_hint);

	if (hint->hash == hash)
		hint->origin = origin;
}

/**
 * lc_hint_take() - was this connection's backend chosen by a rule?
 * @hash: of the key of its record
 *
 * Context: any.
 * Return: the marks of LC_ORIGIN of the choice for the connection; 0: it was not
 *	chosen, another processor has chosen, or this one has chosen again.
 */
static inline u16 lc_hint_take(u32 hash)
{
	u32 origin;

	if (raw_cpu_read(lc_hint.hash) != hash)
		return 0;
	origin = raw_cpu_read(lc_hint.origin);
	raw_cpu_write(lc_hint.origin, 0);
	return origin;
}

u16 lc_hint_take_elsewhere(u32 hash);
u16 lc_hint_take_from(struct lc_hint *hint, u32 hash);
void lc_hint_forget_if(bool (*match)(const struct lc_backend *backend,
				     const void *data),
		       const void *data);
void lc_hint_forget(const struct lc_backend *backend);

#endif /* LC_HINT_H */
