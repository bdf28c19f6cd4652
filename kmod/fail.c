// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that their backend has answered or failed: refused, or not answered.
 *
 * To redispatch a connection, its conntrack entry is deleted, so that the client's next
 * SYN is a new connection for conntrack, and the rule chooses again. If the backend
 * refuses the connection, that is done at once, and the packet that would report it to
 * the client is dropped. If it does not answer in time, the entry stays until the
 * client's next SYN: an answer that comes in between is taken. See track_retry().
 */
#include "ct.h"
#include "fail.h"
#include "report.h"
#include "retry.h"

static void set_result(struct lc_result *result, const struct nf_conn *ct)
{
	result->client = lc_ct_client(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.src.u3,
				      nf_ct_l3num(ct));
	result->port = ntohs(lc_ct_reply_tuple(ct)->src.u.all);
}

/**
 * lc_fail() - a connection has failed
 * @healer: the namespace's
 * @ct: the connection's entry; the record's lock is not held
 * @origin: marks of LC_ORIGIN of its record
 * @reason: &enum leastconn_reason
 *
 * Connections that no rule of this module has chosen a backend for do not matter.
 *
 * Context: any, under rcu_read_lock().
 * Return: true if the connection may be redispatched.
 */
bool lc_fail(struct lc_healer *healer, const struct nf_conn *ct, u16 origin,
	     u8 reason)
{
	bool is_tcp = nf_ct_protonum(ct) == IPPROTO_TCP;
	struct lc_result result;
	struct lc_dests dests;

	if (!(origin & LC_CHOSEN) ||
	    !lc_ct_dests(healer->pools->backends, ct, &dests))
		return false;
	set_result(&result, ct);
	if (dests.exact)
		lc_report_failed(healer, dests.exact, &result, reason);
	if (dests.any_port && is_tcp)
		lc_report_failed(healer, dests.any_port, &result, reason);
	return is_tcp && origin & LC_REDISPATCH && ct->status & IPS_DST_NAT;
}

/* The hash of the backend's packets. */
static u32 left_hash(const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *reply = lc_ct_reply_tuple(ct);

	return lc_ct_addr_hash(&reply->src.u3, &reply->dst.u3,
			       reply->src.u.all, reply->dst.u.all);
}

/**
 * lc_was_redispatched() - was a connection taken from its backend?
 * @retries: the namespace's
 * @ct: the connection's entry
 *
 * Context: any.
 * Return: true if it was, and @ct is the entry that it had until then.
 */
bool lc_was_redispatched(const struct lc_retries *retries, const struct nf_conn *ct)
{
	return nf_ct_is_dying(ct) && lc_retry_left(retries, left_hash(ct));
}

/**
 * lc_redispatch() - take a connection from its backend
 * @records: the namespace's
 * @retries: the namespace's
 * @backends: the namespace's
 * @ct: the connection's entry; the record's lock is not held
 *
 * Context: any, under rcu_read_lock().
 * Return: true if its client shall try again: the caller lets it. false if it has been
 *	tried often enough.
 */
bool lc_redispatch(struct lc_records *records, struct lc_retries *retries,
		   struct lc_backends *backends, struct nf_conn *ct)
{
	struct lc_record_key key;
	struct lc_dests dests;
	u32 hash;

	lc_ct_key(ct, &key);
	if (!lc_ct_dests(backends, ct, &dests) ||
	    !lc_record_start_retry(records, &key))
		return false;
	hash = lc_record_hash(records, &key);
	if (dests.exact)
		lc_retry_add(retries, hash, dests.exact);
	if (dests.any_port)
		lc_retry_add(retries, hash, dests.any_port);
	lc_retry_leave(retries, left_hash(ct));
	nf_ct_kill(ct);
	return true;
}

/**
 * lc_answer() - a connection has been answered
 * @healer: the namespace's
 * @dests: the backends that count the connection
 * @ct: the connection's entry
 * @origin: marks of LC_ORIGIN of its record
 * @when: low bits of jiffies, the earliest time of the answer
 *
 * Context: any, under rcu_read_lock().
 */
void lc_answer(struct lc_healer *healer, const struct lc_dests *dests,
	       const struct nf_conn *ct, u16 origin, u32 when)
{
	struct lc_result result;

	set_result(&result, ct);
	result.chosen = origin & LC_CHOSEN;
	result.free = origin & LC_FREE;
	result.when = when;
	if (dests->exact)
		lc_report_answered(healer, dests->exact, &result);
	if (dests->any_port)
		lc_report_answered(healer, dests->any_port, &result);
}
