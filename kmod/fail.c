// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failed connections: refused or not answered by their backend.
 *
 * To redispatch a connection, its conntrack entry is deleted and the packet that
 * would report the failure to the client is dropped. The client then repeats its
 * first packet, conntrack takes that for a new connection, and the rule chooses
 * again.
 */
#include "ct.h"
#include "fail.h"
#include "health.h"

static bool backend_failed(struct lc_healer *healer, struct lc_backend *backend,
			   u8 reason)
{
	if (!backend)
		return false;
	lc_health_failed(healer, backend, reason);
	return READ_ONCE(backend->n_redispatching);
}

/**
 * lc_fail() - a connection has failed
 * @healer: the namespace's
 * @records: the namespace's
 * @ct: the connection's entry; the record's lock is not held
 * @reason: &enum leastconn_reason
 *
 * Context: any, under rcu_read_lock().
 * Return: true if the connection is redispatched: the caller deletes the entry and
 *	does not let the client know.
 */
bool lc_fail(struct lc_healer *healer, struct lc_records *records,
	     const struct nf_conn *ct, u8 reason)
{
	struct lc_record_key key;
	struct lc_dests dests;
	bool redispatch;

	if (!lc_ct_dests(healer->pools->backends, ct, &dests))
		return false;
	redispatch = backend_failed(healer, dests.exact, reason);
	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return false;
	redispatch |= backend_failed(healer, dests.any_port, reason);
	if (!redispatch || !(ct->status & IPS_DST_NAT))
		return false;
	lc_ct_key(ct, &key);
	return lc_record_start_retry(records, &key);
}
