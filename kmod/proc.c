// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/leastconn: the backends of a network namespace, one per line, in the order
 * they appeared. Columns are separated by spaces. New columns are only added at the
 * end.
 */
#include <linux/in.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <net/net_namespace.h>

#include "net.h"
#include "proc.h"

/* Lines for which the lock is held without a pause: some 50 us. */
#define LC_PROC_BATCH	64
/* So many places of a backend in pools cost as much as a line. */
#define LC_PROC_DESTS	16

/**
 * struct proc_reader - the state of an open file
 * @p: the namespace; the first member, for seq_file_net()
 * @left: lines until the lock is dropped for a moment
 */
struct proc_reader {
	struct seq_net_private	p;
	int			left;
};

static struct lc_backends *proc_backends(struct seq_file *seq)
{
	return &lc_net(seq_file_net(seq))->backends;
}

/* After a seek one call reads all lines before the position: the wait is killable. */
static void *proc_seq_start(struct seq_file *seq, loff_t *pos)
{
	struct lc_backends *backends = proc_backends(seq);
	struct proc_reader *reader = seq->private;

	if (mutex_lock_killable(&backends->reader))
		return ERR_PTR(-EINTR);
	mutex_lock(&backends->lock);
	reader->left = LC_PROC_BATCH;
	return seq_list_start_head(&backends->list, *pos);
}

/* Return: the first backend that appeared after @number, or the head of the list. */
static struct list_head *proc_find_after(struct lc_backends *backends,
					 unsigned int number)
{
	struct lc_backend *backend;

	list_for_each_entry(backend, &backends->list, list)
		if ((int)(backend->number - number) > 0)
			break;
	return &backend->list;
}

/*
 * Drop the lock for a moment, so that commands can take it.
 *
 * Return: the backend after @backend, or the head of the list.
 */
static struct list_head *proc_relock(struct lc_backends *backends,
				     struct lc_backend *backend)
{
	struct list_head *next;

	/* Cannot fail: a backend in the list has users. */
	lc_backend_get(backend);
	mutex_unlock(&backends->lock);
	cond_resched();
	mutex_lock(&backends->lock);
	next = backend->gone ? proc_find_after(backends, backend->number) :
			       backend->list.next;
	lc_backend_put(backend);
	return next;
}

static void *proc_seq_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct lc_backends *backends = proc_backends(seq);
	struct proc_reader *reader = seq->private;
	struct list_head *at = v;
	struct lc_backend *backend;

	if (at == &backends->list)
		return seq_list_next(v, &backends->list, pos);
	backend = list_entry(at, struct lc_backend, list);
	reader->left -= 1 + backend->n_sched_dests / LC_PROC_DESTS;
	if (reader->left > 0)
		return seq_list_next(v, &backends->list, pos);
	reader->left = LC_PROC_BATCH;
	++*pos;
	at = proc_relock(backends, backend);
	return at == &backends->list || fatal_signal_pending(current) ? NULL : at;
}

static void proc_seq_stop(struct seq_file *seq, void *v)
{
	struct lc_backends *backends = proc_backends(seq);

	if (IS_ERR(v))
		return;
	mutex_unlock(&backends->lock);
	mutex_unlock(&backends->reader);
}

static const char *proto_name(u8 proto)
{
	switch (proto) {
	case 0:
		return "any";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_UDPLITE:
		return "udplite";
	default:
		return "?";
	}
}

static const char *state_name(u8 state)
{
	switch (state) {
	case LEASTCONN_STATE_READY:
		return "ready";
	case LEASTCONN_STATE_DRAIN:
		return "drain";
	case LEASTCONN_STATE_DOWN:
		return "down";
	default:
		return "?";
	}
}

static void proc_show_address(struct seq_file *seq,
			      const struct lc_backend_key *key)
{
	if (key->family == NFPROTO_IPV6)
		seq_printf(seq, "%-39pI6c", &key->addr.in6);
	else
		seq_printf(seq, "%-39pI4", &key->addr.ip);
}

static const char *reason_name(u8 reason)
{
	switch (reason) {
	case LEASTCONN_REASON_UNANSWERED:
		return "unanswered";
	case LEASTCONN_REASON_REFUSED:
		return "refused";
	case LEASTCONN_REASON_UNREACHABLE:
		return "unreachable";
	case LEASTCONN_REASON_DROPPED:
		return "dropped";
	case LEASTCONN_REASON_MANUAL:
		return "manual";
	default:
		return "?";
	}
}

/* The number of pools and rules that have ejected it or try it, and their reasons. */
static void proc_show_ejected(struct seq_file *seq,
			      const struct lc_backend *backend)
{
	const struct lc_member *member;
	unsigned int reason, count = 0;
	unsigned long reasons = 0;
	char before = ' ';

	hlist_for_each_entry(member, &backend->sched_dests, dest.node) {
		if (!lc_health_is_out(&member->health))
			continue;
		count++;
		reasons |= BIT(member->reason);
	}
	seq_printf(seq, " %7u", count);
	for_each_set_bit(reason, &reasons, LEASTCONN_REASON_MAX + 1) {
		seq_printf(seq, "%c%s", before, reason_name(reason));
		before = ',';
	}
	seq_puts(seq, reasons ? "\n" : " -\n");
}

static int proc_seq_show(struct seq_file *seq, void *v)
{
	const struct lc_backend *backend;

	if (v == &proc_backends(seq)->list) {
		seq_printf(seq, "%-6s %-7s %-39s %5s %10s %10s %10s %-5s %10s %7s %s\n",
			   "Family", "Proto", "Address", "Port", "ActiveConn",
			   "InActConn", "Total", "State", "Fails", "Ejected",
			   "Reason");
		return 0;
	}
	backend = list_entry(v, struct lc_backend, list);
	seq_printf(seq, "%-6s %-7s ",
		   backend->key.family == NFPROTO_IPV6 ? "ipv6" : "ipv4",
		   proto_name(backend->key.proto));
	proc_show_address(seq, &backend->key);
	seq_printf(seq, " %5u %10d %10d %10lld %-5s %10u",
		   ntohs(backend->key.port), lc_backend_active(backend),
		   atomic_read(&backend->inactive),
		   (long long)atomic64_read(&backend->total),
		   state_name(backend->state),
		   (unsigned int)atomic_read(&backend->fails));
	proc_show_ejected(seq, backend);
	return 0;
}

static const struct seq_operations proc_seq_ops = {
	.start	= proc_seq_start,
	.next	= proc_seq_next,
	.stop	= proc_seq_stop,
	.show	= proc_seq_show,
};

static int __net_init proc_net_init(struct net *net)
{
	if (!proc_create_net("leastconn", 0440, net->proc_net, &proc_seq_ops,
			     sizeof(struct proc_reader)))
		return -ENOMEM;
	return 0;
}

/* remove_proc_entry() waits for readers. */
static void __net_exit proc_net_exit(struct net *net)
{
	remove_proc_entry("leastconn", net->proc_net);
}

static struct pernet_operations proc_net_ops = {
	.init	= proc_net_init,
	.exit	= proc_net_exit,
};

/**
 * lc_proc_init() - the module loads: create the file in every namespace
 *
 * Return: 0 or a negative errno.
 */
int __init lc_proc_init(void)
{
	return register_pernet_subsys(&proc_net_ops);
}

/**
 * lc_proc_exit() - the module unloads: remove the files
 *
 * Context: may sleep; called before the backends are freed, which readers use.
 */
void lc_proc_exit(void)
{
	unregister_pernet_subsys(&proc_net_ops);
}
