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
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#include "addr.h"
#include "compat.h"
#include "ct.h"
#include "fail.h"
#include "gc.h"
#include "icmp.h"
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

	lc_ct_key(ct, &key);
	winner = lc_ct_get(gc->net, &key);
	if (winner) {
		nf_ct_put(winner);
		return true;
	}
	return lc_record_renew(gc->records, &key, dests, lc_ct_phase(ct), true,
			       witnessed);
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

static unsigned int handle_failed(struct lc_gc *gc, struct nf_conn *ct,
				  u8 reason)
{
	if (!lc_fail(gc->healer, gc->records, ct, reason))
		return NF_ACCEPT;
	nf_ct_kill(ct);
	return NF_DROP;
}

/* Also for the later packets of a closed connection: they are few. */
static noinline unsigned int handle_closed(struct lc_gc *gc, struct nf_conn *ct,
					   enum ip_conntrack_info ctinfo,
					   enum lc_phase phase)
{
	bool reset = lc_ct_is_reset(ct), failed = false;
	unsigned int verdict = NF_ACCEPT;
	struct lc_record_key key;

	lc_ct_key(ct, &key);
	/* The server has reset a connection that was not established. */
	if (reset && CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY &&
	    !lc_ct_answered(ct))
		failed = lc_record_mark_failed(gc->records, &key);
	if (lc_record_close(gc->records, &key, phase))
		lc_gc_wake(gc);
	if (failed)
		verdict = handle_failed(gc, ct, LEASTCONN_REASON_REFUSED);
	if (verdict == NF_ACCEPT && reset && !nf_ct_is_dying(ct))
		forget_reset(gc, ct);
	return verdict;
}

/* An ICMP error about a packet to the server. */
static noinline unsigned int handle_icmp_error(struct lc_gc *gc,
					       struct nf_conn *ct,
					       const struct sk_buff *skb,
					       u8 family)
{
	struct lc_record_key key;
	u8 reason;

	if (!lc_ct_unreplied(ct))
		return NF_ACCEPT;
	reason = lc_icmp_reason(skb, family);
	if (reason == LEASTCONN_REASON_NONE)
		return NF_ACCEPT;
	lc_ct_key(ct, &key);
	if (!lc_record_mark_failed(gc->records, &key))
		return NF_ACCEPT;
	return handle_failed(gc, ct, reason);
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
		return is_confirmed_next(ctinfo, state) ?
		       handle_new(tracker, ct) : NF_ACCEPT;
	if (unlikely(ctinfo == IP_CT_RELATED_REPLY))
		return handle_icmp_error(tracker->scan->gc, ct, skb, state->pf);
	phase = lc_ct_phase(ct);
	if (phase != LC_ACTIVE)
		return handle_closed(tracker->scan->gc, ct, ctinfo, phase);
	if (unlikely(is_reopened(ct)))
		return handle_reopened(tracker->scan->gc, ct);
	return NF_ACCEPT;
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
	unsigned int i;

	for (i = 0; i < LC_HOOKS; i++)
		tracker->hooks[lc_family_index(family)][i] = (struct nf_hook_ops) {
			.hook		= track,
			.priv		= tracker,
			.pf		= family,
			.hooknum	= hooknums[i],
			.priority	= last_priority(family, hooknums[i]),
		};
}

/**
 * lc_tracker_init() - set up a namespace's tracker
 * @tracker: zeroed memory
 * @scan: the namespace's
 *
 * Context: any.
 */
void lc_tracker_init(struct lc_tracker *tracker, struct lc_scan *scan)
{
	tracker->scan = scan;
	mutex_init(&tracker->lock);
	init_hooks(tracker, NFPROTO_IPV4);
	init_hooks(tracker, NFPROTO_IPV6);
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
			nf_unregister_net_hooks(tracker->scan->gc->net,
						tracker->hooks[i], LC_HOOKS);
	tracker->closed = true;
	mutex_unlock(&tracker->lock);
}

static int open_hooks(struct lc_tracker *tracker, unsigned int i)
{
	struct lc_gc *gc = tracker->scan->gc;
	int err;

	lockdep_assert_held(&tracker->lock);

	err = lc_records_open(gc->records);
	if (err)
		return err;
	return nf_register_net_hooks(gc->net, tracker->hooks[i], LC_HOOKS);
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
	struct net *net = tracker->scan->gc->net;
	unsigned int i = lc_family_index(family);

	mutex_lock(&tracker->lock);
	if (!--tracker->users[i] && !tracker->closed)
		nf_unregister_net_hooks(net, tracker->hooks[i], LC_HOOKS);
	mutex_unlock(&tracker->lock);
	nf_ct_netns_put(net, family);
}
