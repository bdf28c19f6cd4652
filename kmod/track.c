// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conntrack's life into counts: the hooks that see a connection begin and
 * close.
 *
 * They stand right before conntrack confirms a connection, where nothing but
 * the confirmation itself can drop the packet any more, and see the state that
 * the packet has already given the entry. Every other packet leaves after two
 * tests. A packet may come twice (bridges, VRF, IPsec): one key, one record.
 */
#include <linux/limits.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#include "compat.h"
#include "entry.h"
#include "fail.h"
#include "net.h"
#include "reap.h"
#include "track.h"

/*
 * The key of a new connection is taken. Either conntrack has an entry with it:
 * another packet of the same flow won the race, and this one will be its
 * loser. Or it has none, and the old connection's place is taken over. False:
 * the old record has just gone.
 */
static noinline bool take_over(struct lc_net *ln, const struct nf_conn *ct,
			       const struct lc_load *load)
{
	struct lc_record_key key;
	struct nf_conn *winner;

	lc_entry_key(ct, &key);
	winner = lc_entry_get(ln->net, &key);
	if (winner) {
		nf_ct_put(winner);
		return true;
	}
	return lc_record_renew(&ln->records, &key, load, lc_entry_phase(ct),
			       true);
}

/* Not inline, as closes(): other packets do not pay for what they keep on the stack. */
static noinline unsigned int begins(struct lc_net *ln,
				    const struct nf_conn *ct)
{
	struct lc_load load;

	if (lc_entry_load(&ln->backends, ct, &load) &&
	    lc_reap_add(ln, ct, &load) == -EEXIST &&
	    !take_over(ln, ct, &load))
		lc_reap_add(ln, ct, &load);
	return NF_ACCEPT;
}

static bool is_left(const struct lc_backend *backend)
{
	return backend && READ_ONCE(backend->state) != LEASTCONN_STATE_READY;
}

/*
 * The next connection from the same port would be taken for a part of this one,
 * and get the same backend: not if that is to have no new one.
 */
static void forget(struct lc_net *ln, struct nf_conn *ct)
{
	struct lc_load load;

	if (lc_entry_load(&ln->backends, ct, &load) &&
	    (is_left(load.server) || is_left(load.host)))
		nf_ct_kill(ct);
}

/* As nf_conn's last_index has it; the name is conntrack's own. */
#define LC_LAST_IS_SYN	0

/* A SYN for what conntrack takes to be open: both sides have lost it. */
static bool reopens(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       READ_ONCE(ct->proto.tcp.last_index) == LC_LAST_IS_SYN &&
	       READ_ONCE(ct->proto.tcp.last_dir) == IP_CT_DIR_ORIGINAL &&
	       READ_ONCE(ct->proto.tcp.state) > TCP_CONNTRACK_SYN_RECV;
}

/* Not with the same backend, if that is to have no new connection. */
static noinline unsigned int reopened(struct lc_net *ln, struct nf_conn *ct)
{
	forget(ln, ct);
	return nf_ct_is_dying(ct) ? NF_DROP : NF_ACCEPT;
}

static unsigned int refused(struct lc_net *ln, struct nf_conn *ct, u8 reason)
{
	if (!lc_fail(ln, ct, reason))
		return NF_ACCEPT;
	nf_ct_kill(ct);
	return NF_DROP;
}

/* Later packets of a closed connection come here too: there are few. */
static noinline unsigned int closes(struct lc_net *ln, struct nf_conn *ct,
				    enum ip_conntrack_info ctinfo,
				    enum lc_phase phase)
{
	bool reset = lc_entry_is_reset(ct), failed = false;
	unsigned int verdict = NF_ACCEPT;
	struct lc_record_key key;

	lc_entry_key(ct, &key);
	/* By its server, before there was a connection. */
	if (reset && CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY &&
	    !lc_entry_answers(ct))
		failed = lc_record_fail(&ln->records, &key);
	if (lc_record_close(&ln->records, &key, phase))
		lc_reap_wake(&ln->reaper);
	if (failed)
		verdict = refused(ln, ct, LEASTCONN_REASON_REFUSED);
	if (verdict == NF_ACCEPT && reset && !nf_ct_is_dying(ct))
		forget(ln, ct);
	return verdict;
}

/* An ICMP error about what was sent to the server. */
static noinline unsigned int error(struct lc_net *ln, struct nf_conn *ct,
				   const struct sk_buff *skb, u8 family)
{
	struct lc_record_key key;
	u8 reason;

	if (!lc_entry_is_silent(ct))
		return NF_ACCEPT;
	reason = lc_fail_reason(skb, family);
	if (reason == LEASTCONN_REASON_NONE)
		return NF_ACCEPT;
	lc_entry_key(ct, &key);
	if (!lc_record_fail(&ln->records, &key))
		return NF_ACCEPT;
	return refused(ln, ct, reason);
}

/*
 * Does conntrack confirm this packet's unconfirmed entry next? As nf_confirm()
 * and __nf_conntrack_confirm() have it: not for a REJECT or an ICMP error of our
 * own, which carries the entry of the packet that it answers.
 */
static bool confirms(enum ip_conntrack_info ctinfo,
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
	struct lc_net *ln = priv;
	enum lc_phase phase;

	if (!ct)
		return NF_ACCEPT;
	if (!nf_ct_is_confirmed(ct))
		return confirms(ctinfo, state) ? begins(ln, ct) : NF_ACCEPT;
	if (unlikely(ctinfo == IP_CT_RELATED_REPLY))
		return error(ln, ct, skb, state->pf);
	phase = lc_entry_phase(ct);
	if (phase != LC_ACTIVE)
		return closes(ln, ct, ctinfo, phase);
	if (unlikely(reopens(ct)))
		return reopened(ln, ct);
	return NF_ACCEPT;
}

/*
 * That of conntrack's own hook, which is there already: of hooks of one priority
 * the newest is called first.
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
			.priv		= container_of(tracker, struct lc_net,
						       tracker),
			.pf		= family,
			.hooknum	= hooknums[i],
			.priority	= last_priority(family, hooknums[i]),
		};
}

/**
 * lc_tracker_init() - make a namespace's tracker ready
 * @tracker: zeroed memory
 *
 * Context: any.
 */
void lc_tracker_init(struct lc_tracker *tracker)
{
	mutex_init(&tracker->lock);
	init_hooks(tracker, NFPROTO_IPV4);
	init_hooks(tracker, NFPROTO_IPV6);
}

/**
 * lc_tracker_close() - the namespace goes: no hook any more
 * @ln: the namespace
 *
 * A packet may be inside the hooks until the next RCU grace period has ended.
 *
 * Context: may sleep.
 */
void lc_tracker_close(struct lc_net *ln)
{
	struct lc_tracker *tracker = &ln->tracker;
	unsigned int i;

	mutex_lock(&tracker->lock);
	for (i = 0; i < ARRAY_SIZE(tracker->hooks); i++)
		if (tracker->users[i])
			nf_unregister_net_hooks(ln->net, tracker->hooks[i],
						LC_HOOKS);
	tracker->closed = true;
	mutex_unlock(&tracker->lock);
}

static int start(struct lc_net *ln, unsigned int i)
{
	int err;

	lockdep_assert_held(&ln->tracker.lock);

	err = lc_records_open(&ln->records);
	if (err)
		return err;
	return nf_register_net_hooks(ln->net, ln->tracker.hooks[i], LC_HOOKS);
}

static int join(struct lc_net *ln, unsigned int i)
{
	struct lc_tracker *tracker = &ln->tracker;
	int err = 0;

	mutex_lock(&tracker->lock);
	if (tracker->closed)
		err = -ENOENT;
	else if (!tracker->users[i])
		err = start(ln, i);
	if (!err)
		tracker->users[i]++;
	mutex_unlock(&tracker->lock);
	return err;
}

/**
 * lc_track_get() - see the connections of a family
 * @ln: the namespace
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int lc_track_get(struct lc_net *ln, u8 family)
{
	int err;

	/* Without this nothing is tracked and a rule silently does nothing. */
	err = nf_ct_netns_get(ln->net, family);
	if (err)
		return err;
	err = join(ln, lc_family_index(family));
	if (err)
		nf_ct_netns_put(ln->net, family);
	return err;
}

/**
 * lc_track_put() - undo lc_track_get()
 * @ln: the namespace, which may have gone meanwhile
 * @family: as it was got
 *
 * Context: may sleep.
 */
void lc_track_put(struct lc_net *ln, u8 family)
{
	struct lc_tracker *tracker = &ln->tracker;
	unsigned int i = lc_family_index(family);

	mutex_lock(&tracker->lock);
	if (!--tracker->users[i] && !tracker->closed)
		nf_unregister_net_hooks(ln->net, tracker->hooks[i], LC_HOOKS);
	mutex_unlock(&tracker->lock);
	nf_ct_netns_put(ln->net, family);
}
