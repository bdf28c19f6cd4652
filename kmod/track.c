// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracking: the hooks that see connections begin, close and fail.
 *
 * They are called right before conntrack confirms a connection. There only the
 * confirmation itself can still drop the packet, unless another hook of the last
 * priority was registered between conntrack's and ours. The entry has the state that
 * the packet gave it. Any other packet leaves the hook after two tests. A packet may
 * pass twice (bridges, VRF, IPsec): its connection has one record all the same.
 */
#include <linux/limits.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_synproxy.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "addr.h"
#include "compat.h"
#include "ct.h"
#include "fail.h"
#include "gc.h"
#include "icmp.h"
#include "late.h"
#include "report.h"
#include "retry.h"
#include "scan.h"
#include "track.h"

/*
 * A new connection's key has a record. If conntrack has an entry with that key,
 * another packet of the same flow was confirmed first, and this packet will lose. If
 * not, the record's connection has ended, and the new one takes the record over.
 *
 * Return: false if the record has just been freed.
 */
static noinline bool take_over_record(struct lc_gc *gc, const struct nf_conn *ct,
				      const struct lc_dests *dests,
				      u16 witnessed)
{
	struct lc_record_key key;
	struct nf_conn *winner;
	u16 chosen;

	lc_ct_key(ct, &key);
	winner = lc_ct_get(gc->net, &key);
	if (winner) {
		nf_ct_put(winner);
		return true;
	}
	chosen = lc_gc_take_choice(gc, ct, lc_record_hash(gc->records, &key), dests,
				   witnessed);
	return lc_record_renew(gc->records, &key, dests, lc_ct_phase(ct), true,
			       witnessed | chosen) >= 0;
}

/* noinline, as handle_closed(): other packets do not pay for their stack frames. */
static noinline unsigned int handle_new(struct lc_tracker *tracker,
					const struct nf_conn *ct)
{
	u16 witnessed = lc_ct_is_first(ct) ? LC_WITNESSED : 0;
	struct lc_scan *scan = tracker->scan;
	struct lc_dests dests;

	if (lc_ct_dests(scan->gc->backends, ct, &dests) &&
	    lc_scan_add(scan, ct, &dests, witnessed) == -EEXIST &&
	    !take_over_record(scan->gc, ct, &dests, witnessed))
		lc_scan_add(scan, ct, &dests, witnessed);
	return NF_ACCEPT;
}

static bool is_unready(const struct lc_backend *backend)
{
	return backend && READ_ONCE(backend->state) != LEASTCONN_STATE_READY;
}

/*
 * Delete the entry of a reset connection if its backend is not ready: conntrack would
 * take the next connection from the same port for a part of this one, and translate
 * it to the same backend.
 */
static void forget_reset(struct lc_gc *gc, struct nf_conn *ct)
{
	struct lc_dests dests;

	if (lc_ct_dests(gc->backends, ct, &dests) &&
	    (is_unready(dests.exact) || is_unready(dests.any_port)))
		nf_ct_kill(ct);
}

/* TCP_SYN_SET of conntrack's enum tcp_bit_set, as ip_ct_tcp.last_index has it. */
#define LC_LAST_IS_SYN	0

/* A SYN for an entry that conntrack takes to be established. */
static bool is_reopened(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       READ_ONCE(ct->proto.tcp.last_index) == LC_LAST_IS_SYN &&
	       READ_ONCE(ct->proto.tcp.last_dir) == IP_CT_DIR_ORIGINAL &&
	       READ_ONCE(ct->proto.tcp.state) > TCP_CONNTRACK_SYN_RECV;
}

/* A backend that is not ready gets no new connection by an old entry. */
static noinline unsigned int handle_reopened(struct lc_gc *gc,
					     struct nf_conn *ct)
{
	forget_reset(gc, ct);
	return nf_ct_is_dying(ct) ? NF_DROP : NF_ACCEPT;
}

/*
 * The client does not hear of it, and tries again. If it has been told often enough to try
 * again, it hears of this failure.
 */
static unsigned int redispatch(struct lc_tracker *tracker, struct nf_conn *ct)
{
	struct lc_gc *gc = tracker->scan->gc;

	return lc_redispatch(gc->records, tracker->retries, gc->backends, ct) ?
	       NF_DROP : NF_ACCEPT;
}

static unsigned int handle_failed(struct lc_tracker *tracker, struct nf_conn *ct,
				  u16 origin, u8 reason)
{
	return lc_fail(tracker->scan->gc->healer, ct, origin, reason) ?
	       redispatch(tracker, ct) : NF_ACCEPT;
}

/* Also for the later packets of a closed connection: they are few. */
static noinline unsigned int handle_closed(struct lc_tracker *tracker,
					   struct nf_conn *ct,
					   enum ip_conntrack_info ctinfo,
					   enum lc_phase phase)
{
	struct lc_gc *gc = tracker->scan->gc;
	unsigned int verdict = NF_ACCEPT;
	bool reset = lc_ct_is_reset(ct);
	bool given_up = false;
	struct lc_record_key key;
	u16 origin = 0;

	lc_ct_key(ct, &key);
	/* The server has reset a connection that was not established. */
	if (reset && CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY &&
	    !lc_ct_answered(ct)) {
		origin = lc_record_mark_judged(gc->records, &key);
		given_up = !origin && lc_record_is_given_up(gc->records, &key);
	}
	if (lc_record_close(gc->records, &key, phase))
		lc_gc_wake(gc);
	if (origin)
		verdict = handle_failed(tracker, ct, origin,
					LEASTCONN_REASON_REFUSED);
	else if (given_up)
		verdict = redispatch(tracker, ct);
	if (verdict == NF_ACCEPT && reset && !nf_ct_is_dying(ct))
		forget_reset(gc, ct);
	return verdict;
}

/*
 * A backend that is under suspicion: its answers are heard at once, as failures are. The
 * gc hears those of others, at its first check.
 */
static noinline unsigned int handle_reply(struct lc_gc *gc,
					  const struct nf_conn *ct)
{
	struct lc_record_key key;
	struct lc_dests dests;
	u16 origin;

	lc_ct_key(ct, &key);
	if (!lc_ct_accepted(ct) || !lc_ct_dests(gc->backends, ct, &dests))
		return NF_ACCEPT;
	origin = lc_record_mark_judged(gc->records, &key);
	if (origin)
		lc_answer(gc->healer, &dests, ct, origin, (u32)jiffies);
	return NF_ACCEPT;
}

/* May this be the first packet of the server that answers the connection? */
static bool may_answer(const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY &&
	       (nf_ct_protonum(ct) != IPPROTO_TCP ||
		READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_SYN_RECV);
}

/* An ICMP error about a packet to the server. */
static noinline unsigned int handle_icmp_error(struct lc_tracker *tracker,
					       struct nf_conn *ct,
					       const struct sk_buff *skb,
					       u8 family)
{
	struct lc_records *records = tracker->scan->gc->records;
	struct lc_record_key key;
	u16 origin;
	u8 reason;

	if (!lc_ct_unreplied(ct))
		return NF_ACCEPT;
	/* This host held a packet for a server that it did not find on its network. */
	if (lc_was_redispatched(tracker->retries, ct))
		return NF_DROP;
	reason = lc_icmp_reason(skb, family);
	if (reason == LEASTCONN_REASON_NONE)
		return NF_ACCEPT;
	lc_ct_key(ct, &key);
	origin = lc_record_mark_judged(records, &key);
	if (origin)
		return handle_failed(tracker, ct, origin, reason);
	return lc_record_is_given_up(records, &key) ? redispatch(tracker, ct) :
						      NF_ACCEPT;
}

/*
 * Does conntrack confirm this packet's unconfirmed entry next? The same test as in
 * nf_confirm() and __nf_conntrack_confirm(): a REJECT or ICMP error of this host
 * carries the entry of the packet that it answers, and does not confirm it.
 */
static bool is_confirmed_next(enum ip_conntrack_info ctinfo,
			      const struct nf_hook_state *state)
{
	return CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL &&
	       !lc_confirms_later(state);
}

/*
 * This host cannot send the packet of a choice, which stays pending: the client avoids the
 * backend.
 */
static noinline unsigned int handle_no_route(struct lc_gc *gc,
					     const struct nf_conn *ct,
					     const struct sk_buff *skb, u8 family)
{
	struct lc_record_key key;
	u16 origin;

	if (!lc_icmp_is_no_route(skb, ct, family))
		return NF_ACCEPT;
	lc_ct_key(ct, &key);
	origin = lc_hint_judge(lc_record_hash(gc->records, &key), LC_JUDGED);
	if (origin)
		lc_fail(gc->healer, ct, origin, LEASTCONN_REASON_UNREACHABLE);
	return NF_ACCEPT;
}

static unsigned int track_unconfirmed(struct lc_tracker *tracker, struct nf_conn *ct,
				      enum ip_conntrack_info ctinfo,
				      const struct sk_buff *skb,
				      const struct nf_hook_state *state)
{
	if (is_confirmed_next(ctinfo, state))
		return handle_new(tracker, ct);
	return ctinfo == IP_CT_RELATED_REPLY ?
	       handle_no_route(tracker->scan->gc, ct, skb, state->pf) : NF_ACCEPT;
}

static unsigned int track(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct lc_tracker *tracker = priv;
	enum lc_phase phase;

	if (!ct)
		return NF_ACCEPT;
	if (!nf_ct_is_confirmed(ct))
		return track_unconfirmed(tracker, ct, ctinfo, skb, state);
	if (unlikely(ctinfo == IP_CT_RELATED_REPLY))
		return handle_icmp_error(tracker, ct, skb, state->pf);
	phase = lc_ct_phase(ct);
	if (phase != LC_ACTIVE)
		return handle_closed(tracker, ct, ctinfo, phase);
	if (unlikely(is_reopened(ct)))
		return handle_reopened(tracker->scan->gc, ct);
	if (unlikely(atomic_read(&tracker->backends->n_suspected)) &&
	    may_answer(ct, ctinfo))
		return handle_reply(tracker->scan->gc, ct);
	return NF_ACCEPT;
}

/*
 * Did a rule of the raw table (CT) say how to track the connection, by a zone, a helper or
 * a timeout policy, or is it SYNPROXY's? That is lost if conntrack sees the packet a second
 * time.
 */
static bool has_template(const struct nf_conn *ct)
{
	return nf_ct_zone(ct)->id != NF_CT_DEFAULT_ZONE_ID || nfct_help(ct) ||
	       nfct_synproxy(ct) || nf_ct_timeout_find(ct);
}

/*
 * The client tries again. If the backend that has the connection has not answered it,
 * the packet is given to conntrack once more as one of a new connection.
 */
static noinline unsigned int handle_retry(struct lc_tracker *tracker,
					  struct nf_conn *ct, struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	struct lc_gc *gc = tracker->scan->gc;
	struct lc_record_key key;

	lc_ct_key(ct, &key);
	if (has_template(ct) ||
	    !lc_record_is_given_up(gc->records, &key) ||
	    redispatch(tracker, ct) == NF_ACCEPT)
		return NF_ACCEPT;
	nf_reset_ct(skb);
	return nf_conntrack_in(skb, state);
}

/* With nf_conntrack_tcp_loose a late packet that is no SYN-ACK makes an entry. */
static bool is_picked_up(const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return ctinfo == IP_CT_NEW && !nf_ct_is_confirmed(ct) &&
	       !lc_ct_is_first(ct);
}

/* Called after conntrack has found the packet's entry, before rules see it. */
static unsigned int track_retry(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct lc_tracker *tracker = priv;

	if (!ct && ctinfo == IP_CT_UNTRACKED)
		return NF_ACCEPT;
	if (!ct || is_picked_up(ct, ctinfo))
		return lc_late(tracker->retries, skb, state);
	if (likely(ctinfo != IP_CT_NEW) || !nf_ct_is_confirmed(ct) ||
	    nf_ct_protonum(ct) != IPPROTO_TCP || !lc_ct_unreplied(ct))
		return NF_ACCEPT;
	return handle_retry(tracker, ct, skb, state);
}

/*
 * The priority of conntrack's own hook, which is registered already: of hooks with the
 * same priority the one that was registered last is called first.
 */
static int last_priority(u8 family, unsigned int hooknum)
{
	if (family == NFPROTO_IPV6 && hooknum == NF_INET_LOCAL_IN)
		return NF_IP6_PRI_LAST - 1;
	return INT_MAX;
}

static void init_hooks(struct lc_tracker *tracker, u8 family)
{
	static const unsigned int hooknums[LC_HOOKS] = {
		NF_INET_POST_ROUTING,
		NF_INET_LOCAL_IN,
	};
	static const unsigned int retry_hooknums[LC_HOOKS] = {
		NF_INET_PRE_ROUTING,
		NF_INET_LOCAL_OUT,
	};
	unsigned int index = lc_family_index(family), i;

	for (i = 0; i < LC_HOOKS; i++) {
		tracker->hooks[index][i] = (struct nf_hook_ops) {
			.hook		= track,
			.priv		= tracker,
			.pf		= family,
			.hooknum	= hooknums[i],
			.priority	= last_priority(family, hooknums[i]),
		};
		tracker->retry_hooks[index][i] = (struct nf_hook_ops) {
			.hook		= track_retry,
			.priv		= tracker,
			.pf		= family,
			.hooknum	= retry_hooknums[i],
			/* That of IPv6 is the same. */
			.priority	= NF_IP_PRI_CONNTRACK + 1,
		};
	}
}

/**
 * lc_tracker_init() - set up a namespace's tracker
 * @tracker: zeroed memory
 * @scan: the namespace's
 * @retries: the namespace's
 *
 * Context: any.
 */
void lc_tracker_init(struct lc_tracker *tracker, struct lc_scan *scan,
		     struct lc_retries *retries)
{
	tracker->retries = retries;
	tracker->scan = scan;
	tracker->backends = scan->gc->backends;
	mutex_init(&tracker->lock);
	mutex_init(&tracker->opening);
	init_hooks(tracker, NFPROTO_IPV4);
	init_hooks(tracker, NFPROTO_IPV6);
}

static void close_hooks(struct lc_tracker *tracker, unsigned int i)
{
	struct net *net = tracker->scan->gc->net;

	nf_unregister_net_hooks(net, tracker->hooks[i], LC_HOOKS);
	if (tracker->redispatches)
		nf_unregister_net_hooks(net, tracker->retry_hooks[i], LC_HOOKS);
}

/**
 * lc_tracker_close() - the namespace ends: unregister its hooks
 * @tracker: the namespace's
 *
 * A packet may be inside the hooks until the next RCU grace period has ended.
 *
 * Context: may sleep.
 */
void lc_tracker_close(struct lc_tracker *tracker)
{
	unsigned int i;

	mutex_lock(&tracker->lock);
	for (i = 0; i < ARRAY_SIZE(tracker->hooks); i++)
		if (tracker->users[i])
			close_hooks(tracker, i);
	tracker->closed = true;
	mutex_unlock(&tracker->lock);
}

/**
 * lc_track_prepare() - get the memory that the hooks of a namespace need
 * @tracker: the namespace's
 * @redispatch: connections are redispatched, too
 *
 * Context: may sleep; the memory is charged to the caller.
 * Return: 0 or a negative errno.
 */
int lc_track_prepare(struct lc_tracker *tracker, bool redispatch)
{
	struct lc_gc *gc = tracker->scan->gc;
	int err;

	mutex_lock(&tracker->opening);
	err = lc_records_open(gc->records) ?:
	      lc_pendings_open(&gc->healer->pendings);
	if (!err && redispatch)
		err = lc_retries_open(tracker->retries);
	mutex_unlock(&tracker->opening);
	return err;
}

static int open_hooks(struct lc_tracker *tracker, unsigned int i)
{
	struct lc_gc *gc = tracker->scan->gc;
	int err;

	lockdep_assert_held(&tracker->lock);

	err = lc_track_prepare(tracker, false);
	if (err)
		return err;
	err = nf_register_net_hooks(gc->net, tracker->hooks[i], LC_HOOKS);
	if (err || !tracker->redispatches)
		return err;
	err = nf_register_net_hooks(gc->net, tracker->retry_hooks[i], LC_HOOKS);
	if (err)
		nf_unregister_net_hooks(gc->net, tracker->hooks[i], LC_HOOKS);
	return err;
}

static int open_retry_hooks(struct lc_tracker *tracker)
{
	struct net *net = tracker->scan->gc->net;
	unsigned int i;
	int err;

	lockdep_assert_held(&tracker->lock);

	err = lc_track_prepare(tracker, true);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(tracker->users); i++) {
		if (!tracker->users[i])
			continue;
		err = nf_register_net_hooks(net, tracker->retry_hooks[i], LC_HOOKS);
		if (err)
			goto unregister;
	}
	tracker->redispatches = true;
	return 0;

unregister:
	while (i--)
		if (tracker->users[i])
			nf_unregister_net_hooks(net, tracker->retry_hooks[i], LC_HOOKS);
	return err;
}

/**
 * lc_track_redispatch() - be able to redispatch connections that are not answered
 * @tracker: the namespace's
 *
 * It costs each packet a hook, so it is done for the first rule or pool that asks for it.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int lc_track_redispatch(struct lc_tracker *tracker)
{
	int err = 0;

	mutex_lock(&tracker->lock);
	if (tracker->closed)
		err = -ENOENT;
	else if (!tracker->redispatches)
		err = open_retry_hooks(tracker);
	mutex_unlock(&tracker->lock);
	return err;
}

static int get_hooks(struct lc_tracker *tracker, unsigned int i)
{
	int err = 0;

	mutex_lock(&tracker->lock);
	if (tracker->closed)
		err = -ENOENT;
	else if (!tracker->users[i])
		err = open_hooks(tracker, i);
	if (!err)
		tracker->users[i]++;
	mutex_unlock(&tracker->lock);
	return err;
}

/**
 * lc_track_get() - see the connections of a family
 * @tracker: the namespace's
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int lc_track_get(struct lc_tracker *tracker, u8 family)
{
	struct net *net = tracker->scan->gc->net;
	int err;

	/* Without this conntrack may track nothing, and the rule has no effect. */
	err = nf_ct_netns_get(net, family);
	if (err)
		return err;
	err = get_hooks(tracker, lc_family_index(family));
	if (err)
		nf_ct_netns_put(net, family);
	return err;
}

/**
 * lc_track_put() - undo lc_track_get()
 * @tracker: that of a namespace, which may have ended
 * @family: as for lc_track_get()
 *
 * Context: may sleep.
 */
void lc_track_put(struct lc_tracker *tracker, u8 family)
{
	unsigned int i = lc_family_index(family);

	mutex_lock(&tracker->lock);
	if (!--tracker->users[i] && !tracker->closed)
		close_hooks(tracker, i);
	mutex_unlock(&tracker->lock);
	nf_ct_netns_put(tracker->scan->gc->net, family);
}
