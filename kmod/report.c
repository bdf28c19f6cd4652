// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports to the healer: backends have answered or failed connections.
 *
 * A report only counts, and queues the backend: healer.c judges it. evidence.c says which
 * failures count.
 */
#include <linux/jiffies.h>

#include "report.h"

#define LC_ANSWERS	HZ		/* until answers are judged that are not urgent */
#define LC_GRACE	(9 * HZ / 10)	/* after "ready": what is unanswered began before it */
#define LC_SERVED	(3 * HZ)	/* for which an answered client counts as served */
#define LC_JUST_NOW	(19 * HZ / 10)	/* since an answer that counts as one */

static void queue_backend(struct lc_healer *healer, struct lc_backend *backend)
{
	/* After the report has been stored: pairs with judge_backend(). */
	if (atomic_xchg(&backend->queued, 1) || !lc_backend_get(backend))
		return;
	llist_add(&backend->queue, &healer->queue);
}

/**
 * lc_report_outdated() - a load has fallen: let the work update the schedulers
 * @healer: the namespace's
 * @backend: the backend
 *
 * What that takes is charged to the namespace's user. lc_healer_check() has to follow.
 *
 * Context: any.
 */
void lc_report_outdated(struct lc_healer *healer, struct lc_backend *backend)
{
	atomic_set(&backend->outdated, 1);
	queue_backend(healer, backend);
}

/*
 * Answers have not been counted until now. A backend that answers many connections, and
 * fails some at once, is judged by their share.
 */
static bool has_just_answered(const struct lc_backend *backend)
{
	const struct lc_sighting *last = &backend->evidence.answered[0];

	return READ_ONCE(last->client) &&
	       (u32)jiffies - READ_ONCE(last->when) < LC_JUST_NOW;
}

/**
 * lc_report_failures() - connections to a backend have failed, and count
 * @healer: the namespace's
 * @backend: the backend
 * @failed: how many
 * @reason: &enum leastconn_reason
 *
 * Context: any, under rcu_read_lock().
 */
void lc_report_failures(struct lc_healer *healer, struct lc_backend *backend,
			u32 failed, u8 reason)
{
	if (!atomic_read(&backend->suspected)) {
		lc_backend_suspect(healer->pools->backends, backend, LC_SUSPECTED);
		if (has_just_answered(backend))
			atomic_inc(&backend->answered);
	}
	WRITE_ONCE(backend->reason, reason);
	/* The reason before the count: pairs with judge_backend()'s atomic_xchg(). */
	smp_mb__before_atomic();
	atomic_add(failed, &backend->failed);
	queue_backend(healer, backend);
	lc_healer_check(healer);
}

static bool failure_counts(struct lc_backend *backend,
			   const struct lc_result *result)
{
	struct lc_evidence *evidence = &backend->evidence;
	bool counts;

	spin_lock_bh(&backend->evidence_lock);
	counts = backend->key.port || lc_evidence_has_port(evidence, result->port);
	if (counts)
		counts = lc_evidence_failed(evidence, result->client, jiffies,
					    READ_ONCE(backend->fail_timeout));
	spin_unlock_bh(&backend->evidence_lock);
	return counts;
}

/* Has the connection begun before a command made the backend ready? */
static bool began_before_ready(const struct lc_backend *backend, u8 reason)
{
	return reason == LEASTCONN_REASON_UNANSWERED &&
	       lc_backend_since_revived(backend) < LC_GRACE;
}

/**
 * lc_report_failed() - a connection to a backend has failed
 * @healer: the namespace's
 * @backend: the backend
 * @result: the connection
 * @reason: &enum leastconn_reason
 *
 * Context: any, under rcu_read_lock().
 */
void lc_report_failed(struct lc_healer *healer, struct lc_backend *backend,
		      const struct lc_result *result, u8 reason)
{
	unsigned int streak;

	atomic_inc(&backend->fails);
	if (!READ_ONCE(backend->n_watching) || began_before_ready(backend, reason))
		return;
	streak = atomic_inc_return(&backend->streak);
	if (!failure_counts(backend, result)) {
		/* Perhaps only because the fail timeout was longer: the next one counts. */
		if (streak == LC_STREAK || READ_ONCE(backend->shortened)) {
			queue_backend(healer, backend);
			lc_healer_check(healer);
		}
		return;
	}
	lc_report_failures(healer, backend, 1, reason);
}

/**
 * lc_report_unreached() - no packet reaches a backend, as it seems
 * @healer: the namespace's
 * @backend: the backend
 *
 * It would look idle until that is certain: it is paced.
 *
 * Context: any, under rcu_read_lock(). lc_healer_check() has to follow.
 */
void lc_report_unreached(struct lc_healer *healer, struct lc_backend *backend)
{
	atomic_set(&backend->streak, LC_STREAK);
	queue_backend(healer, backend);
}

/**
 * lc_answered_others() - was another client answered a short time ago?
 * @healer: the namespace's
 * @client: the client that does not count
 *
 * Context: any, under rcu_read_lock().
 * Return: true if one was.
 */
bool lc_answered_others(const struct lc_healer *healer, u32 client)
{
	unsigned int i;

	for (i = 0; i < LC_ANSWERED_CLIENTS; i++) {
		const struct lc_answered *seen = &healer->answered[i];
		u32 other = READ_ONCE(seen->client);

		if (other && other != client &&
		    (u32)jiffies - READ_ONCE(seen->when) < LC_SERVED)
			return true;
	}
	return false;
}

/* Nothing is compared while no choice is pending. */
static void note_reached(const struct lc_healer *healer, struct lc_backend *backend,
			 const struct lc_result *result)
{
	if ((s32)(result->when - backend->answered_when) > 0)
		WRITE_ONCE(backend->answered_when, result->when);
	if (!lc_pendings_exist(&healer->pendings))
		return;
	lc_reach_begin(&backend->reach, lc_span_of((u32)jiffies));
	lc_reach_answered(&backend->reach, lc_span_of(result->when), result->free);
}

/**
 * lc_report_answered() - a backend has answered a connection
 * @healer: the namespace's
 * @backend: the backend
 * @result: the connection
 *
 * Context: any, under rcu_read_lock().
 */
void lc_report_answered(struct lc_healer *healer, struct lc_backend *backend,
			const struct lc_result *result)
{
	enum lc_suspicion suspected = atomic_read(&backend->suspected);
	struct lc_answered *seen;

	if (!READ_ONCE(backend->n_watching))
		return;
	spin_lock_bh(&backend->evidence_lock);
	lc_evidence_answered(&backend->evidence, result->client, result->when);
	if (!backend->key.port)
		lc_evidence_add_port(&backend->evidence, result->port);
	if (result->chosen)
		note_reached(healer, backend, result);
	spin_unlock_bh(&backend->evidence_lock);
	seen = lc_answered_of(healer, result->client);
	WRITE_ONCE(seen->client, result->client);
	WRITE_ONCE(seen->when, result->when);
	WRITE_ONCE(seen->number, backend->number);
	/* This host's own connections pass no filter. */
	if (!result->chosen && READ_ONCE(backend->reason) == LEASTCONN_REASON_DROPPED)
		return;
	if (atomic_read(&backend->streak))
		atomic_set(&backend->streak, 0);
	if (suspected == LC_NOT_SUSPECTED)
		return;
	atomic_inc(&backend->answered);
	queue_backend(healer, backend);
	if (suspected == LC_AWAITED)
		lc_healer_check(healer);
	else if (lc_turn_is_idle(&healer->turn))
		queue_delayed_work(lc_wq, &healer->work, LC_ANSWERS);
}
