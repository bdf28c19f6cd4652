// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evidence: which failures tell of a backend, and which only of a client.
 *
 * A backend may refuse one client and serve all others: it bans an address
 * (fail2ban), or the client sends packets that no server answers (a scan, a TCP
 * traceroute). So while a backend answers other clients, the failures of one client
 * count once in a span of time. If it has answered no other client since the last
 * failure that counted, nor in the last LC_ANSWERS_STILL, all failures count: the client
 * may be a proxy that sends all connections.
 *
 * For the same reason a client whose failures have counted does not decide a trial while
 * another client can: see lc_pool_avoids().
 *
 * Of a backend that is a whole address, only ports that have answered can fail. A
 * client can choose any port.
 *
 * There are no packets, connections or locks here. This file is also built in user
 * space, for tests.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "evidence.h"

/* After an answer to another client, jiffies in which a failure tells of the client. */
#define LC_ANSWERS_STILL	(3U * HZ)

static bool is_recent(const struct lc_sighting *seen, u32 now, u32 span)
{
	return seen->client && now - seen->when <= span;
}

static bool is_newer(const struct lc_sighting *seen, const struct lc_sighting *than)
{
	return !than->client || (s32)(seen->when - than->when) >= 0;
}

/**
 * lc_evidence_answered() - a backend has answered a client
 * @evidence: the backend's
 * @client: the client
 * @when: low bits of jiffies, the earliest time of the answer; answers may be reported in
 *	another order
 *
 * Context: any.
 */
void lc_evidence_answered(struct lc_evidence *evidence, u32 client, u32 when)
{
	const struct lc_sighting seen = { .client = client, .when = when };
	struct lc_sighting *answered = evidence->answered;

	if (is_newer(&seen, &answered[0])) {
		if (answered[0].client != client)
			answered[1] = answered[0];
		answered[0] = seen;
	} else if (answered[0].client != client && is_newer(&seen, &answered[1])) {
		answered[1] = seen;
	}
}

/* @since: jiffies since the client's last failure that counted. */
static bool answers_others(const struct lc_evidence *evidence, u32 client,
			   u32 now, u32 since)
{
	u32 span = max(since, LC_ANSWERS_STILL);
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (evidence->answered[i].client != client &&
		    is_recent(&evidence->answered[i], now, span))
			return true;
	return false;
}

/* Return: the client's sighting, or the one that is replaced by it: the oldest. */
static struct lc_sighting *find_failed(struct lc_evidence *evidence, u32 client,
				       u32 now)
{
	struct lc_sighting *seen, *oldest = evidence->failed;
	unsigned int i;

	for (i = 0; i < LC_FAILED_CLIENTS; i++) {
		seen = &evidence->failed[i];
		if (seen->client == client)
			return seen;
		if (!seen->client || (oldest->client &&
				      now - seen->when > now - oldest->when))
			oldest = seen;
	}
	return oldest;
}

/**
 * lc_evidence_failed() - a connection of a client has failed: does it count?
 * @evidence: the backend's
 * @client: the client
 * @now: low bits of jiffies
 * @span: jiffies in which a client's failures count once
 *
 * Context: any.
 * Return: false if the failure tells only of the client.
 */
bool lc_evidence_failed(struct lc_evidence *evidence, u32 client, u32 now,
			u32 span)
{
	struct lc_sighting *seen = find_failed(evidence, client, now);

	if (seen->client == client && is_recent(seen, now, span) &&
	    answers_others(evidence, client, now, now - seen->when))
		return false;
	*seen = (struct lc_sighting) { .client = client, .when = now };
	return true;
}

/**
 * lc_evidence_dropped() - this host has dropped a client's packet to a backend
 * @evidence: the backend's
 * @client: the client
 * @now: low bits of jiffies
 * @span: jiffies in which two clients tell of the backend
 *
 * Context: any.
 * Return: true if another client's packet was dropped last, within the span.
 */
bool lc_evidence_dropped(struct lc_evidence *evidence, u32 client, u32 now,
			 u32 span)
{
	const struct lc_sighting last = evidence->dropped;

	evidence->dropped = (struct lc_sighting) { .client = client, .when = now };
	return last.client != client && is_recent(&last, now, span);
}

/**
 * lc_evidence_has_failed() - has a failure of this client counted?
 * @evidence: the backend's
 * @client: the client, not 0
 *
 * Context: any; the caller need not serialize this one.
 * Return: true if it has, and not too many clients have failed since.
 */
bool lc_evidence_has_failed(const struct lc_evidence *evidence, u32 client)
{
	unsigned int i;

	for (i = 0; i < LC_FAILED_CLIENTS; i++)
		if (READ_ONCE(evidence->failed[i].client) == client)
			return true;
	return false;
}

/**
 * lc_evidence_forget_failed() - forget which clients have failed
 * @evidence: the backend's
 *
 * Context: any.
 */
void lc_evidence_forget_failed(struct lc_evidence *evidence)
{
	memset(evidence->failed, 0, sizeof(evidence->failed));
}

/**
 * lc_evidence_add_port() - a port of a backend has answered
 * @evidence: the backend's
 * @port: the port, not 0
 *
 * The port that answered longest ago is forgotten when there are too many.
 *
 * Context: any.
 */
void lc_evidence_add_port(struct lc_evidence *evidence, u16 port)
{
	u16 *ports = evidence->ports;
	unsigned int i;

	for (i = 0; i < LC_ANSWERED_PORTS - 1 && ports[i] != port; i++)
		;
	memmove(ports + 1, ports, i * sizeof(*ports));
	ports[0] = port;
}

/**
 * lc_evidence_has_port() - has a port of a backend answered before?
 * @evidence: the backend's
 * @port: the port, not 0
 *
 * Context: any.
 * Return: true if it has, and not too many other ports have since.
 */
bool lc_evidence_has_port(const struct lc_evidence *evidence, u16 port)
{
	unsigned int i;

	for (i = 0; i < LC_ANSWERED_PORTS; i++)
		if (evidence->ports[i] == port)
			return true;
	return false;
}
