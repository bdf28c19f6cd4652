// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nft door: a transaction as netlink has it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "rule.h"

#define MOST_MESSAGES	(MOST_TRIALS + 8)
#define NO_ANSWER	-1

static struct {
	char		buf[MOST_MESSAGES << 16];
	size_t		len;
	struct nlmsghdr	*last;
	unsigned int	first_seq;
	int		answers[MOST_MESSAGES];
} batch;

static char received[1 << 18];

/* ---- messages ---- */

static struct nlmsghdr *message(int type, int flags, int res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(batch.buf + batch.len);
	static unsigned int seq;
	struct nfgenmsg *nfg;

	if (batch.len == 0)
		batch.first_seq = seq + 1;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	batch.last = nlh;
	return nlh;
}

/*
 * The message that message() began is whole.
 * Return: where its answer will be.
 */
static unsigned int done(void)
{
	unsigned int at = batch.last->nlmsg_seq - batch.first_seq;

	if (at >= MOST_MESSAGES)
		die("too many messages");
	batch.len += batch.last->nlmsg_len;
	batch.answers[at] = NO_ANSWER;
	return at;
}

static struct nlmsghdr *nft_message(int type, int flags)
{
	return message(NFNL_SUBSYS_NFTABLES << 8 | type, flags, 0);
}

static void batch_edge(int type)
{
	if (type == NFNL_MSG_BATCH_BEGIN)
		batch.len = 0;
	message(type, 0, NFNL_SUBSYS_NFTABLES);
	done();
}

static struct mnl_socket *nft_socket(void)
{
	const int on = 1, much = sizeof(batch.buf) * 2;
	static struct mnl_socket *nl;

	if (nl)
		return nl;
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink: %m");
	/* The answers to a batch must all find room, and need not quote it. */
	if (mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, (void *)&on, sizeof(on)) ||
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_SNDBUFFORCE,
		       &much, sizeof(much)))
		die("netlink: %m");
	return nl;
}

static void note_answer(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(nlh);
	unsigned int at = nlh->nlmsg_seq - batch.first_seq;

	if (at >= MOST_MESSAGES)
		die("an answer to no message: %s", strerror(-answer->error));
	batch.answers[at] = -answer->error;
}

static int first_error(void)
{
	unsigned int messages = batch.last->nlmsg_seq - batch.first_seq + 1;

	for (unsigned int at = 0; at < messages; at++)
		if (batch.answers[at] > 0)
			return batch.answers[at];
	return 0;
}

/* Answers are there when sendto() returns. Return: the first error. */
static int nft_send(void)
{
	struct mnl_socket *nl = nft_socket();
	struct nlmsghdr *nlh;
	int len;

	if (mnl_socket_sendto(nl, batch.buf, batch.len) < 0)
		die("sendto: %m");
	while ((len = recv(mnl_socket_get_fd(nl), received, sizeof(received),
			   MSG_DONTWAIT)) > 0)
		for (nlh = (void *)received; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_type == NLMSG_ERROR)
				note_answer(nlh);
	if (errno != EAGAIN)
		die("recv: %m");
	return first_error();
}

/* ---- chains ---- */

static const int nat_priority[NF_INET_NUMHOOKS] = {
	[NF_INET_PRE_ROUTING]	= -100,
	[NF_INET_LOCAL_IN]	= 100,
	[NF_INET_LOCAL_OUT]	= -100,
	[NF_INET_POST_ROUTING]	= 100,
};

static const char *chain_name(const struct rule *rule)
{
	return rule->type ? "rawrule" : rule->chain;
}

static const char *chain_type(const struct rule *rule)
{
	if (rule->type)
		return rule->type;
	if (!strcmp(rule->table, "nat"))
		return "nat";
	if (!strcmp(rule->table, "mangle") && !strcmp(rule->chain, "OUTPUT"))
		return "route";
	return "filter";
}

static int chain_priority(const struct rule *rule)
{
	if (!strcmp(chain_type(rule), "nat"))
		return nat_priority[rule_hook(rule)];
	return strcmp(rule->table, "mangle") ? 0 : -150;
}

/* A base chain, as iptables-nft makes it; nothing is done where it is. */
static void put_chain(const struct rule *rule)
{
	struct nlmsghdr *nlh = nft_message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, rule->table);
	done();
	if (rule_hook(rule) == NO_HOOK)
		return;
	nlh = nft_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, chain_name(rule));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, chain_type(rule));
	nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(rule_hook(rule)));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(chain_priority(rule)));
	mnl_attr_nest_end(nlh, nest);
	done();
}

/* ---- rules ---- */

static struct nlattr *expression(struct nlmsghdr *nlh, const char *name,
				 struct nlattr **data)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, name);
	*data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	return nest;
}

/* meta l4proto == (or !=) PROTO */
static void put_match(struct nlmsghdr *nlh, const struct rule *rule)
{
	struct nlattr *data, *nest, *value;

	nest = expression(nlh, "meta", &data);
	mnl_attr_put_u32(nlh, NFTA_META_KEY, htonl(NFT_META_L4PROTO));
	mnl_attr_put_u32(nlh, NFTA_META_DREG, htonl(NFT_REG_1));
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, nest);
	nest = expression(nlh, "cmp", &data);
	mnl_attr_put_u32(nlh, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nlh, NFTA_CMP_OP,
			 htonl(rule->inverted ? NFT_CMP_NEQ : NFT_CMP_EQ));
	value = mnl_attr_nest_start(nlh, NFTA_CMP_DATA);
	mnl_attr_put_u8(nlh, NFTA_DATA_VALUE, rule->proto);
	mnl_attr_nest_end(nlh, value);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, nest);
}

static void put_expressions(struct nlmsghdr *nlh, const struct rule *rule)
{
	struct nlattr *data, *list, *nest;

	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	if (rule->proto && !rule->told)
		put_match(nlh, rule);
	nest = expression(nlh, "target", &data);
	mnl_attr_put(nlh, NFTA_TARGET_NAME, rule->name_len, rule->name);
	mnl_attr_put_u32(nlh, NFTA_TARGET_REV, htonl(rule->revision));
	mnl_attr_put(nlh, NFTA_TARGET_INFO, rule->size, rule->bytes);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, list);
}

static void put_compat(struct nlmsghdr *nlh, const struct rule *rule)
{
	uint32_t flags = rule->inverted ? NFT_RULE_COMPAT_F_INV : 0;
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_RULE_COMPAT);

	mnl_attr_put_u32(nlh, NFTA_RULE_COMPAT_PROTO,
			 htonl(rule->proto + rule->compat.proto));
	mnl_attr_put_u32(nlh, NFTA_RULE_COMPAT_FLAGS,
			 htonl(flags | rule->compat.flags));
	mnl_attr_nest_end(nlh, nest);
}

/* Return: where its answer will be. */
static unsigned int put_rule(const struct rule *rule)
{
	struct nlmsghdr *nlh = nft_message(NFT_MSG_NEWRULE, NLM_F_CREATE |
					   NLM_F_APPEND | NLM_F_ACK);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule));
	put_expressions(nlh, rule);
	if (rule->proto || rule->compat.proto || rule->compat.flags)
		put_compat(nlh, rule);
	return done();
}

static void put_removal(const struct rule *rule, uint64_t handle)
{
	struct nlmsghdr *nlh = nft_message(NFT_MSG_DELRULE, NLM_F_ACK);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule));
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(handle));
	done();
}

/* ---- what the kernel shows ---- */

/* The target's bytes within the list of a rule's expressions. */
static void expressions_show(const struct nlattr *list, struct shown *shown)
{
	const struct nlattr *attr, *data, *expr;

	mnl_attr_for_each_nested(expr, list)
		mnl_attr_for_each_nested(data, expr) {
			if (mnl_attr_get_type(data) == NFTA_EXPR_NAME &&
			    strcmp(mnl_attr_get_str(data), "target"))
				break;
			if (mnl_attr_get_type(data) != NFTA_EXPR_DATA)
				continue;
			mnl_attr_for_each_nested(attr, data)
				if (mnl_attr_get_type(attr) == NFTA_TARGET_INFO) {
					shown->size = mnl_attr_get_payload_len(attr);
					memcpy(shown->bytes,
					       mnl_attr_get_payload(attr),
					       shown->size);
				}
		}
}

/* The last rule of a dump is the one that was appended. */
static int last_shown(const struct nlmsghdr *nlh, void *arg)
{
	struct shown *shown = arg;
	const struct nlattr *attr;

	shown->size = 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_RULE_HANDLE)
			shown->handle = be64toh(mnl_attr_get_u64(attr));
		else if (mnl_attr_get_type(attr) == NFTA_RULE_EXPRESSIONS)
			expressions_show(attr, shown);
	}
	return MNL_CB_OK;
}

/* All rules of its chain, one after the other. */
static void dump(const struct rule *rule, mnl_cb_t callback, void *arg)
{
	struct mnl_socket *nl = nft_socket();
	struct nlmsghdr *nlh;
	int len, more = MNL_CB_OK;

	batch.len = 0;
	nlh = nft_message(NFT_MSG_GETRULE, NLM_F_DUMP);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain_name(rule));
	done();
	if (mnl_socket_sendto(nl, batch.buf, batch.len) < 0)
		die("sendto: %m");
	while (more > 0) {
		len = mnl_socket_recvfrom(nl, received, sizeof(received));
		if (len < 0)
			die("recvfrom: %m");
		more = mnl_cb_run(received, len, nlh->nlmsg_seq, 0, callback, arg);
	}
	if (more < 0)
		die("dump: %m");
}

/* ---- one rule ---- */

static int nft_add(const struct rule *rule)
{
	batch_edge(NFNL_MSG_BATCH_BEGIN);
	put_chain(rule);
	put_rule(rule);
	batch_edge(NFNL_MSG_BATCH_END);
	return nft_send();
}

static void nft_show(const struct rule *rule, struct shown *shown)
{
	dump(rule, last_shown, shown);
	if (!shown->size)
		die("the accepted rule is not where it was put");
}

static void nft_remove(const struct rule *rule, const struct shown *shown)
{
	int err;

	batch_edge(NFNL_MSG_BATCH_BEGIN);
	put_removal(rule, shown->handle);
	batch_edge(NFNL_MSG_BATCH_END);
	err = nft_send();
	if (err)
		die("cannot delete the rule: %s", strerror(err));
}

static void try_alone(struct trial *trial)
{
	static struct shown shown;

	trial->err = nft_add(&trial->rule);
	trial->clean = false;
	if (trial->err)
		return;
	rule_meets_packets(&trial->rule);
	nft_show(&trial->rule, &shown);
	trial->clean = rule_is_clean(&trial->rule, &shown);
	nft_remove(&trial->rule, &shown);
}

/* ---- many rules of one chain, in which there are no others of ours ---- */

/**
 * struct crowd - rules that are sent at once
 * @trials: the rules
 * @count: how many
 * @shown: how many the kernel showed
 * @handles: theirs, in that order
 */
struct crowd {
	struct trial	*trials[MOST_TRIALS];
	unsigned int	count;
	unsigned int	shown;
	uint64_t	handles[MOST_TRIALS];
};

/* The kernel looks at all; one refusal, and none is committed. */
static bool send_crowd(const struct crowd *crowd)
{
	unsigned int at[MOST_TRIALS];
	struct trial *trial;
	int err;

	batch_edge(NFNL_MSG_BATCH_BEGIN);
	for (unsigned int i = 0; i < crowd->count; i++)
		at[i] = put_rule(&crowd->trials[i]->rule);
	batch_edge(NFNL_MSG_BATCH_END);
	err = nft_send();
	for (unsigned int i = 0; i < crowd->count; i++) {
		trial = crowd->trials[i];
		trial->err = batch.answers[at[i]];
		if (trial->err == NO_ANSWER)
			die("no answer to %s: %s", trial->rule.said, strerror(err));
	}
	return !err;
}

static void only_accepted(struct crowd *crowd)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < crowd->count; i++)
		if (!crowd->trials[i]->err)
			crowd->trials[kept++] = crowd->trials[i];
	crowd->count = kept;
}

static int next_shown(const struct nlmsghdr *nlh, void *arg)
{
	static struct shown shown;
	struct crowd *crowd = arg;
	struct trial *trial;

	last_shown(nlh, &shown);
	if (!shown.size)
		return MNL_CB_OK;
	if (crowd->shown == crowd->count)
		die("a rule that was not sent");
	trial = crowd->trials[crowd->shown];
	trial->clean = rule_is_clean(&trial->rule, &shown);
	crowd->handles[crowd->shown++] = shown.handle;
	return MNL_CB_OK;
}

static void remove_crowd(const struct crowd *crowd)
{
	int err;

	batch_edge(NFNL_MSG_BATCH_BEGIN);
	for (unsigned int i = 0; i < crowd->count; i++)
		put_removal(&crowd->trials[i]->rule, crowd->handles[i]);
	batch_edge(NFNL_MSG_BATCH_END);
	err = nft_send();
	if (err)
		die("cannot delete the rules: %s", strerror(err));
}

/* Those that were accepted are sent once more, and this time they stay. */
static void try_crowd(struct crowd *crowd)
{
	bool committed = crowd->count && send_crowd(crowd);

	if (!committed) {
		only_accepted(crowd);
		committed = crowd->count && send_crowd(crowd);
	}
	if (!committed)
		return;
	dump(&crowd->trials[0]->rule, next_shown, crowd);
	if (crowd->shown != crowd->count)
		die("%u rules accepted, %u shown", crowd->count, crowd->shown);
	remove_crowd(crowd);
}

/*
 * What a user chain is called from is looked at in the end, with all that is in
 * it, and where there are other rules of ours they would be shown too.
 */
static bool likes_company(const struct rule *rule)
{
	return !rule->type && !strcmp(rule->table, "nat") &&
	       !strcmp(rule->chain, "PREROUTING");
}

static void nft_try(struct trial *trials, unsigned int count)
{
	static struct crowd crowd;
	struct trial *trial;

	crowd.count = 0;
	crowd.shown = 0;
	for (trial = trials; trial < trials + count; trial++) {
		trial->clean = false;
		if (likes_company(&trial->rule))
			crowd.trials[crowd.count++] = trial;
		else
			try_alone(trial);
	}
	try_crowd(&crowd);
}

static void nft_finish(void)
{
}

const struct door nft_door = {
	.name	= "nft",
	.add	= nft_add,
	.show	= nft_show,
	.remove	= nft_remove,
	.try	= nft_try,
	.finish	= nft_finish,
};
