// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random changes of pools and states, beside a plain model of what the header
 * promises: after each message all that the kernel tells is what the model has,
 * and what it refuses the model refuses, with the same words, at the same place.
 *
 *	model OPERATIONS SEED
 *
 * It makes a pool that a rule names and a rule with backends of its own, in a
 * network namespace of its own. Some messages hold one change, some many.
 * Exit status: 0 all is equal, 1 it is not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "../dice.h"
#include "../genl/listing.h"

/* ---- the world ---- */

/* The first ones are IPv4's. */
static const char *const addresses[] = {
	"10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.1", "223.255.255.255",
	"fd00::1", "fd00::2", "2001:db8::1",
};

#define FIRST_IPV6	5
#define MOST_KEYS	128
#define POOLS		6

/**
 * struct key - of a backend
 * @host: in addresses
 * @port: 0 for all of the host
 * @proto: 0 when @port is
 */
struct key {
	int	host;
	int	port;
	int	proto;
};

struct member {
	struct key	key;
	unsigned int	weight;
	unsigned int	max;
	unsigned int	backup;
};

/* In the order they stand in a message, and in which they are listed. */
static const struct {
	const char	*name;
	unsigned int	type;
	unsigned int	least, most, usual;
} settings[] = {
	{ "max-fails", LEASTCONN_A_MAX_FAILS, 0, UINT32_MAX, UINT32_MAX },
	{ "fail-timeout", LEASTCONN_A_FAIL_TIMEOUT, 1, 604800, 10 },
	{ "slow-start", LEASTCONN_A_SLOW_START, 0, 604800, 0 },
	{ "redispatch", LEASTCONN_A_REDISPATCH, 0, 1, 0 },
	{ "persistent", LEASTCONN_A_PERSISTENT, 0, 604800, 0 },
	{ "persistent-mask", LEASTCONN_A_PERSISTENT_MASK, 1, 128, 128 },
};

#define SETTINGS	ARRAY_SIZE(settings)
/* In settings. */
#define MAX_FAILS	0
#define PERSISTENT_MASK	5

/**
 * struct pool - as the kernel has it
 * @name: or "rule"
 * @rules: that use it, of TCP over IPv4, all of them
 * @settings: each as in settings
 * @members: in their order
 * @count: how many
 */
struct pool {
	char		name[8];
	int		rules;
	unsigned int	settings[SETTINGS];
	struct member	members[MOST_KEYS];
	int		count;
};

struct backend {
	struct key	key;
	int		state;
};

/**
 * struct world - all there is in a namespace
 * @pools: in their order; the rule's own one is the last
 * @count: how many
 * @backends: in the order they appeared
 * @known: how many
 */
struct world {
	struct pool	pools[POOLS + 1];
	int		count;
	struct backend	backends[MOST_KEYS];
	int		known;
};

static bool same_key(const struct key *a, const struct key *b)
{
	return a->host == b->host && a->port == b->port &&
	       a->proto == b->proto;
}

static bool is_ipv6(const struct key *key)
{
	return key->host >= FIRST_IPV6;
}

static struct pool *find_pool(struct world *world, const char *name)
{
	for (int i = 0; i < world->count; i++)
		if (!strcmp(world->pools[i].name, name))
			return &world->pools[i];
	return NULL;
}

static struct member *find_member(struct pool *pool, const struct key *key)
{
	for (int i = 0; i < pool->count; i++)
		if (same_key(&pool->members[i].key, key))
			return &pool->members[i];
	return NULL;
}

static struct backend *find_backend(struct world *world, const struct key *key)
{
	for (int i = 0; i < world->known; i++)
		if (same_key(&world->backends[i].key, key))
			return &world->backends[i];
	return NULL;
}

/* Those of a message's earlier changes keep their place until its end. */
static struct backend *use_backend(struct world *world, const struct key *key)
{
	struct backend *backend = find_backend(world, key);

	if (backend)
		return backend;
	backend = &world->backends[world->known++];
	*backend = (struct backend) { .key = *key };
	return backend;
}

static bool is_known(struct world *world, const struct backend *backend)
{
	if (backend->state)
		return true;
	for (int i = 0; i < world->count; i++)
		if (find_member(&world->pools[i], &backend->key))
			return true;
	return false;
}

static void forget_unknown(struct world *world)
{
	int kept = 0;

	for (int i = 0; i < world->known; i++)
		if (is_known(world, &world->backends[i]))
			world->backends[kept++] = world->backends[i];
	world->known = kept;
}

/* ---- operations ---- */

/**
 * struct operation - a change; what is not given is -1
 * @op: what to do
 * @pool: which, by number
 * @host: which address
 */
struct operation {
	enum leastconn_op	op;
	int			pool;
	int			host;
	int			port;
	int			proto;
	int64_t			weight;
	int64_t			max;
	int			backup;
	int			state;
	bool			ahead;
	bool			kill;
	int64_t			settings[SETTINGS];
};

/**
 * struct verdict - what becomes of a change
 * @error: errno, or 0
 * @text: what the kernel says; NULL: whatever
 * @type: of the attribute that is at fault; 0: the change itself
 */
struct verdict {
	int		error;
	const char	*text;
	unsigned int	type;
};

static char sentence[256];

__attribute__((format(printf, 2, 3)))
static struct verdict no(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return (struct verdict) { .error = error, .text = sentence };
}

static const struct verdict yes;

static bool is_of_pool(const struct operation *operation)
{
	return operation->op <= LEASTCONN_OP_DEL ||
	       operation->op == LEASTCONN_OP_POOL_SET;
}

static void name_of(char *name, const struct operation *operation)
{
	sprintf(name, "p%d", operation->pool);
}

/* What is seen before any change is looked at. */
static struct verdict policy(const struct operation *operation)
{
	/* In the order they stand in the message. */
	if (operation->port > 65535)
		return (struct verdict) { ERANGE, NULL, LEASTCONN_A_PORT };
	if (operation->weight > 65535)
		return (struct verdict) { ERANGE, NULL, LEASTCONN_A_WEIGHT };
	for (size_t i = 0; i < SETTINGS; i++) {
		int64_t value = operation->settings[i];

		if (value >= 0 &&
		    (value < settings[i].least || value > settings[i].most))
			return (struct verdict) { ERANGE, NULL, settings[i].type };
	}
	return yes;
}

static struct verdict form(const struct operation *operation)
{
	struct verdict verdict = no(EINVAL, "the pool name is missing");

	if (is_of_pool(operation) && operation->pool < 0)
		return verdict;
	if (operation->pool >= 0 && operation->port <= 0 && operation->proto > 0) {
		verdict = no(EINVAL, "a protocol needs a port");
		verdict.type = LEASTCONN_A_PROTO;
		return verdict;
	}
	if (operation->port > 0 && !operation->proto) {
		verdict = no(EINVAL, "a port needs protocol tcp, udp, sctp, dccp or udplite");
		verdict.type = LEASTCONN_A_PROTO;
		return verdict;
	}
	return yes;
}

static void usual_settings(struct pool *pool)
{
	for (size_t i = 0; i < SETTINGS; i++)
		pool->settings[i] = settings[i].usual;
}

static struct verdict pool_set(struct pool *pool,
			       const struct operation *operation)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (operation->settings[i] >= 0)
			pool->settings[i] = operation->settings[i];
	return yes;
}

static struct verdict pool_add(struct world *world, const char *name,
			       const struct operation *operation)
{
	struct pool *pool;

	if (find_pool(world, name))
		return no(EEXIST, "pool \"%s\" already exists", name);
	/* Before the rule's. */
	pool = &world->pools[world->count - 1];
	pool[1] = pool[0];
	*pool = (struct pool) {};
	strcpy(pool->name, name);
	usual_settings(pool);
	world->count++;
	return pool_set(pool, operation);
}

static struct verdict pool_del(struct world *world, struct pool *pool)
{
	if (pool->rules)
		return no(EBUSY, "%d rule%s use%s pool \"%s\": delete %s first",
			  pool->rules,
			  pool->rules == 1 ? "" : "s",
			  pool->rules == 1 ? "s" : "", pool->name,
			  pool->rules == 1 ? "it" : "them");
	memmove(pool, pool + 1,
		(&world->pools[world->count] - (pool + 1)) * sizeof(*pool));
	world->count--;
	return yes;
}

static int proto_of(const struct pool *pool)
{
	int proto = 0;

	for (int i = 0; i < pool->count; i++)
		if (pool->members[i].key.proto)
			proto = pool->members[i].key.proto;
	return proto ?: IPPROTO_TCP;
}

static struct key key_of(const struct operation *operation,
			 const struct pool *pool)
{
	struct key key = { .host = operation->host };

	if (operation->port > 0) {
		key.port = operation->port;
		key.proto = operation->proto > 0 ? operation->proto :
						   proto_of(pool);
	}
	return key;
}

static struct verdict accepts(const struct pool *pool, const struct key *key)
{
	for (int i = 0; i < pool->count; i++)
		if (is_ipv6(&pool->members[i].key) != is_ipv6(key))
			return no(EINVAL, "the pool's backends are %s",
				  is_ipv6(key) ? "IPv4" : "IPv6");
	if (pool->rules && is_ipv6(key))
		return no(EINVAL, "IPv4 rules use the pool");
	for (int i = 0; key->proto && i < pool->count; i++)
		if (pool->members[i].key.proto &&
		    pool->members[i].key.proto != key->proto)
			return no(EINVAL, "the pool's backends are proto %s",
				  pool->members[i].key.proto == IPPROTO_UDP ?
				  "udp" : "tcp");
	if (pool->rules && key->proto && key->proto != IPPROTO_TCP)
		return no(EINVAL, "rules with -p tcp use the pool");
	return yes;
}

static void set_terms(struct member *member, const struct operation *operation)
{
	if (operation->weight >= 0)
		member->weight = operation->weight;
	if (operation->max >= 0)
		member->max = operation->max;
	if (operation->backup >= 0)
		member->backup = operation->backup;
}

static void set_state(struct world *world, const struct key *key,
		      const struct operation *operation)
{
	if (operation->state >= 0)
		use_backend(world, key)->state = operation->state;
}

static struct verdict member_add(struct world *world, struct pool *pool,
				 const struct operation *operation)
{
	struct key key = key_of(operation, pool);
	struct verdict verdict = accepts(pool, &key);
	struct member *member;

	if (verdict.error)
		return verdict;
	if (find_member(pool, &key))
		return no(EEXIST, "pool \"%s\" already has this backend", pool->name);
	member = &pool->members[pool->count++];
	*member = (struct member) { .key = key, .weight = 1 };
	set_terms(member, operation);
	use_backend(world, &key);
	set_state(world, &key, operation);
	return yes;
}

static struct verdict member_set(struct world *world, struct pool *pool,
				 const struct operation *operation)
{
	struct key key = key_of(operation, pool);
	struct member *member = find_member(pool, &key);

	if (!member)
		return no(ENOENT, "pool \"%s\" has no such backend",
			  pool->name);
	set_terms(member, operation);
	set_state(world, &key, operation);
	return yes;
}

static struct verdict member_del(struct pool *pool,
				 const struct operation *operation)
{
	struct key key = key_of(operation, pool);
	struct member *member = find_member(pool, &key);

	if (!member)
		return no(ENOENT, "pool \"%s\" has no such backend",
			  pool->name);
	memmove(member, member + 1,
		(&pool->members[pool->count] - (member + 1)) * sizeof(*member));
	pool->count--;
	return yes;
}

static bool matches(const struct backend *backend,
		    const struct operation *operation)
{
	const struct key *key = &backend->key;

	return key->host == operation->host &&
	       (operation->port < 0 || key->port == operation->port) &&
	       (operation->proto < 0 || key->proto == operation->proto);
}

static struct verdict every_backend(struct world *world,
				    const struct operation *operation)
{
	struct key key = { operation->host, operation->port > 0 ? operation->port : 0,
			   operation->proto > 0 ? operation->proto : 0 };
	bool found = false;

	for (int i = 0; i < world->known; i++) {
		struct backend *backend = &world->backends[i];

		if (!matches(backend, operation) || !is_known(world, backend))
			continue;
		found = true;
		if (operation->op == LEASTCONN_OP_STATE)
			backend->state = operation->state;
	}
	if (found)
		return yes;
	if (!operation->ahead)
		return no(ENOENT, "no such backend");
	if (!key.port != !key.proto)
		return no(EINVAL, "a state set ahead needs both port and protocol, or neither");
	/* One that would be ready does not appear. */
	if (operation->state)
		use_backend(world, &key)->state = operation->state;
	return yes;
}

static struct verdict carry_out(struct world *world,
				const struct operation *operation)
{
	struct verdict verdict = form(operation);
	struct pool *pool = NULL;
	char name[16];

	if (verdict.error)
		return verdict;
	if (operation->pool < 0)
		return every_backend(world, operation);
	name_of(name, operation);
	if (operation->op == LEASTCONN_OP_POOL_ADD)
		return pool_add(world, name, operation);
	pool = find_pool(world, name);
	if (!pool)
		return no(ENOENT, "no pool \"%s\": see leastconnctl list", name);
	switch (operation->op) {
	case LEASTCONN_OP_POOL_DEL:
		return pool_del(world, pool);
	case LEASTCONN_OP_POOL_SET:
		return pool_set(pool, operation);
	case LEASTCONN_OP_ADD:
		return member_add(world, pool, operation);
	case LEASTCONN_OP_SET:
		return member_set(world, pool, operation);
	default:
		return member_del(pool, operation);
	}
}

/* ---- the world as the kernel tells it ---- */

static void add_key(struct listing *listing, const struct key *key)
{
	listing_add(listing, "%s %d %d ", addresses[key->host], key->port,
		    key->proto);
}

static const char *state_name(const struct world *world, const struct key *key)
{
	static const char *const states[] = { "ready", "drain", "down" };

	for (int i = 0; i < world->known; i++)
		if (same_key(&world->backends[i].key, key))
			return states[world->backends[i].state];
	die("a backend that nobody knows");
}

static void tell_pool(struct listing *listing, const struct world *world,
		      const struct pool *pool)
{
	listing_add(listing, "%s rules=%d members=%d", pool->name, pool->rules,
		    pool->count);
	for (size_t i = 0; i < SETTINGS; i++)
		if (pool->settings[i] != settings[i].usual)
			listing_add(listing, " %s=%u", settings[i].name,
				    pool->settings[i]);
	listing_add(listing, "\n");
	for (int i = 0; i < pool->count; i++) {
		const struct member *member = &pool->members[i];

		listing_add(listing, "%s ", pool->name);
		add_key(listing, &member->key);
		listing_add(listing, "weight=%u max=%u backup=%u %s\n",
			    member->weight, member->max, member->backup,
			    state_name(world, &member->key));
	}
}

static void tell_proc(struct listing *listing, const struct world *world)
{
	listing_add(listing, "%-6s %-7s %-39s %5s %10s %10s %10s %-5s %10s %7s %s\n",
		    "Family", "Proto", "Address", "Port", "ActiveConn",
		    "InActConn", "Total", "State", "Fails", "Ejected",
		    "Reason");
	for (int i = 0; i < world->known; i++) {
		const struct key *key = &world->backends[i].key;

		listing_add(listing, "%-6s %-7s %-39s %5d %10d %10d %10d %-5s %10d %7d -\n",
			    is_ipv6(key) ? "ipv6" : "ipv4",
			    !key->proto ? "any" :
			    key->proto == IPPROTO_TCP ? "tcp" : "udp",
			    addresses[key->host], key->port, 0, 0, 0,
			    state_name(world, key), 0, 0);
	}
}

static void tell(struct listing *listing, const struct world *world)
{
	for (int i = 0; i < world->count; i++)
		tell_pool(listing, world, &world->pools[i]);
	for (int i = 0; i < world->known; i++) {
		add_key(listing, &world->backends[i].key);
		listing_add(listing, "%s\n",
			    state_name(world, &world->backends[i].key));
	}
	tell_proc(listing, world);
}

/* ---- any operation ---- */

static int one_in(int sides, int value)
{
	return dice(sides) ? -1 : value;
}

static enum leastconn_op any_op(void)
{
	static const unsigned char ops[] = {
		LEASTCONN_OP_POOL_ADD, LEASTCONN_OP_POOL_ADD,
		LEASTCONN_OP_POOL_DEL,
		LEASTCONN_OP_ADD, LEASTCONN_OP_ADD, LEASTCONN_OP_ADD,
		LEASTCONN_OP_ADD, LEASTCONN_OP_ADD, LEASTCONN_OP_ADD,
		LEASTCONN_OP_SET, LEASTCONN_OP_SET,
		LEASTCONN_OP_DEL, LEASTCONN_OP_DEL, LEASTCONN_OP_DEL,
		LEASTCONN_OP_STATE, LEASTCONN_OP_STATE, LEASTCONN_OP_STATE,
		LEASTCONN_OP_KILL,
		LEASTCONN_OP_POOL_SET, LEASTCONN_OP_POOL_SET,
	};

	return one_of(ops);
}

static void throw_terms(struct operation *operation)
{
	static const int weights[] = { 0, 1, 2, 100, 65535 };
	static const unsigned int caps[] = { 0, 1, 65536, UINT32_MAX };

	if (!dice(2))
		operation->weight = one_of(weights);
	if (!dice(60))
		operation->weight = 65536;
	if (!dice(3))
		operation->max = one_of(caps);
	operation->backup = one_in(3, dice(2));
	operation->state = one_in(4, dice(3));
}

/* At the ends, and now and then behind one. */
static void throw_settings(struct operation *operation)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const int64_t values[] = {
			settings[i].least, settings[i].most, settings[i].usual,
			settings[i].least + 1, settings[i].most - 1,
		};

		if (dice(3))
			continue;
		operation->settings[i] = one_of(values);
		if (dice(100))
			continue;
		if (settings[i].least)
			operation->settings[i] = settings[i].least - 1;
		else if (settings[i].most < UINT32_MAX)
			operation->settings[i] = settings[i].most + 1;
	}
}

/* Pools have one family each for the most part, or nothing fits together. */
static void throw_key(struct operation *operation)
{
	int ports[] = { -1, 0, 80, 80, 80, 81, 65535 };
	bool ipv6 = operation->pool >= 0 ? operation->pool % 3 == 1 : dice(2);

	if (!dice(20))
		ipv6 = !ipv6;
	operation->host = ipv6 ? FIRST_IPV6 + dice(ARRAY_SIZE(addresses) - FIRST_IPV6) :
				 dice(FIRST_IPV6);
	operation->port = one_of(ports);
	if (!dice(100))
		operation->port = 65536;
	if (operation->port > 0 && dice(2))
		operation->proto = dice(4) ? IPPROTO_TCP : IPPROTO_UDP;
	if (!dice(40))
		operation->proto = dice(2) ? 0 : IPPROTO_TCP;
}

static struct operation any_operation(void)
{
	struct operation operation = {
		.op = any_op(), .pool = -1, .host = -1, .port = -1, .proto = -1,
		.weight = -1, .max = -1, .backup = -1, .state = -1,
	};

	for (size_t i = 0; i < SETTINGS; i++)
		operation.settings[i] = -1;
	if (is_of_pool(&operation) && dice(60))
		operation.pool = dice(POOLS);
	if (operation.op > LEASTCONN_OP_POOL_DEL &&
	    operation.op != LEASTCONN_OP_POOL_SET)
		throw_key(&operation);
	switch (operation.op) {
	case LEASTCONN_OP_POOL_ADD:
		if (dice(2))
			throw_settings(&operation);
		break;
	case LEASTCONN_OP_POOL_SET:
		throw_settings(&operation);
		break;
	case LEASTCONN_OP_ADD:
	case LEASTCONN_OP_SET:
		throw_terms(&operation);
		break;
	case LEASTCONN_OP_DEL:
		operation.kill = !dice(4);
		break;
	case LEASTCONN_OP_STATE:
		operation.state = dice(3);
		operation.ahead = !dice(3);
		break;
	default:
		break;
	}
	return operation;
}

/* ---- a message ---- */

static struct talk *talk;

/* Behind each word a blank. */
static void words_of(char *words, const struct operation *operation)
{
	static const char *const ops[] = {
		"", "pool_add", "pool_del", "add", "set", "del", "state", "kill",
		"pool_set",
	};

	words += sprintf(words, "%s ", ops[operation->op]);
	if (operation->pool >= 0)
		words += sprintf(words, "pool=p%d ", operation->pool);
	if (operation->host >= 0)
		words += sprintf(words, "addr=%s ", addresses[operation->host]);
	if (operation->port >= 0)
		words += sprintf(words, "port=%d ", operation->port);
	if (operation->proto >= 0)
		words += sprintf(words, "proto=%d ", operation->proto);
	if (operation->weight >= 0)
		words += sprintf(words, "weight=%lld ", (long long)operation->weight);
	if (operation->max >= 0)
		words += sprintf(words, "max-conns=%lld ", (long long)operation->max);
	if (operation->backup >= 0)
		words += sprintf(words, "backup=%d ", operation->backup);
	if (operation->state >= 0)
		words += sprintf(words, "state=%d ", operation->state);
	if (operation->kill)
		words += sprintf(words, "kill ");
	if (operation->ahead)
		words += sprintf(words, "ahead ");
	for (size_t i = 0; i < SETTINGS; i++)
		if (operation->settings[i] >= 0)
			words += sprintf(words, "%s=%lld ", settings[i].name,
					 (long long)operation->settings[i]);
}

/**
 * struct trial - a message and what the model says of it
 * @message: it
 * @words: the same, for those who ask
 * @verdict: of the change that is at fault, or of all
 * @at: that change
 * @kills: it asks for some
 */
struct trial {
	struct message	*message;
	struct listing	words;
	struct verdict	verdict;
	unsigned int	at;
	bool		kills;
};

/* One that is likely to be taken, or many together never are. */
static struct operation likely_operation(struct world *world)
{
	struct operation operation;
	static struct world next;

	for (;;) {
		operation = any_operation();
		next = *world;
		if (!policy(&operation).error &&
		    !carry_out(&next, &operation).error) {
			*world = next;
			return operation;
		}
		if (!dice(40))
			return operation;
	}
}

/* The world after it; as it was when it is refused. */
static void make_trial(struct trial *trial, struct world *world,
		       unsigned int count)
{
	static struct operation operations[32];
	static struct world next;
	char words[256];

	*trial = (struct trial) {
		.message = message_new(LEASTCONN_CMD_CHANGE),
	};
	next = *world;
	for (unsigned int i = 0; i < count; i++) {
		operations[i] = count > 1 ? likely_operation(&next) :
					    any_operation();
		words_of(words, &operations[i]);
		change(trial->message, "%s", words);
		listing_add(&trial->words, "%s\n", words);
		trial->kills |= operations[i].kill ||
				operations[i].op == LEASTCONN_OP_KILL;
	}
	for (unsigned int i = 0; i < count && !trial->verdict.error; i++) {
		trial->at = i;
		trial->verdict = policy(&operations[i]);
	}
	next = *world;
	for (unsigned int i = 0; i < count && !trial->verdict.error; i++) {
		trial->at = i;
		trial->verdict = carry_out(&next, &operations[i]);
	}
	if (trial->verdict.error)
		return;
	forget_unknown(&next);
	*world = next;
}

static void check_answer(const struct trial *trial, const struct answer *answer)
{
	const struct verdict *verdict = &trial->verdict;
	uint32_t offset = 0;

	if (answer->error != verdict->error)
		die("%s (%s), not %s (%s), in\n%s",
		    answer->error ? strerrorname_np(answer->error) : "done",
		    answer->text,
		    verdict->error ? strerrorname_np(verdict->error) : "done",
		    verdict->text ?: "", trial->words.text);
	if (verdict->text && strcmp(verdict->text, answer->text))
		die("\"%s\", not \"%s\", in\n%s", answer->text, verdict->text,
		    trial->words.text);
	if (verdict->error)
		offset = verdict->type ?
			 attribute_of_change(trial->message, trial->at, verdict->type) :
			 trial->message->changes[trial->at];
	if (answer->offset != offset)
		die("it points at %u, not %u, change %u of\n%s", answer->offset,
		    offset, trial->at + 1, trial->words.text);
	if (answer->killed != (trial->kills && !verdict->error ? 0 : -1))
		die("%lld killed, in\n%s", (long long)answer->killed,
		    trial->words.text);
}

static void check_world(const struct trial *trial, const struct world *world)
{
	struct listing wanted = {}, got = {};

	tell(&wanted, world);
	list_all(&got, talk);
	if (strcmp(wanted.text, got.text)) {
		say_difference(wanted.text, got.text);
		die("after (%s)\n%s",
		    trial->verdict.error ? trial->verdict.text : "done",
		    trial->words.text);
	}
	listing_free(&wanted);
	listing_free(&got);
}

/* ---- what there is before ---- */

static void rule(const char *words)
{
	const char *iptables = getenv("LC_IPTABLES");
	char command[256];

	snprintf(command, sizeof(command), "%s -w -t nat %s",
		 iptables ?: "iptables", words);
	if (system(command))
		die("%s", command);
}

static void begin(struct world *world)
{
	static const struct key keys[] = { { 0, 80, IPPROTO_TCP },
					   { 1, 80, IPPROTO_TCP } };
	struct message *message = message_new(LEASTCONN_CMD_CHANGE);
	struct answer answer;

	change(message, "pool_add pool=p0");
	ask(talk, message, NULL, NULL, &answer);
	if (answer.error)
		die("%s", answer.text);
	message_free(message);
	rule("-A PREROUTING -p tcp -j LEASTCONN --pool p0");
	rule("-A PREROUTING -p tcp -j LEASTCONN --to 10.0.0.1:80,10.0.0.2:80");
	*world = (struct world) {
		.pools = { { .name = "p0", .rules = 1 },
			   { .name = "rule", .rules = 1, .count = 2 } },
		.count = 2,
	};
	for (int i = 0; i < 2; i++)
		usual_settings(&world->pools[i]);
	/* A rule of IPv4 has the whole of an address as IPv4 has it. */
	world->pools[1].settings[PERSISTENT_MASK] = 32;
	/* One of TCP with ports has a default of its own, as a number. */
	world->pools[1].settings[MAX_FAILS] = 3;
	for (int i = 0; i < 2; i++) {
		world->pools[1].members[i] = (struct member) {
			.key = keys[i], .weight = 1,
		};
		use_backend(world, &keys[i]);
	}
}

int main(int argc, char **argv)
{
	static struct world world;
	long operations, done = 0, messages = 0, refused = 0, largest = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: model OPERATIONS SEED\n");
		return 2;
	}
	operations = atol(argv[1]);
	dice_seed(strtoull(argv[2], NULL, 0), 0);
	if (unshare(CLONE_NEWNET))
		die("no namespace: %m");
	talk = talk_open();
	begin(&world);
	while (done < operations) {
		unsigned int count = dice(2) ? 1 : 1 + dice(dice(4) ? 5 : 32);
		struct answer answer;
		struct trial trial;

		make_trial(&trial, &world, count);
		ask(talk, trial.message, NULL, NULL, &answer);
		check_answer(&trial, &answer);
		check_world(&trial, &world);
		refused += answer.error != 0;
		messages++;
		done += count;
		if (world.known > largest)
			largest = world.known;
		message_free(trial.message);
		listing_free(&trial.words);
	}
	printf("# %ld operations in %ld messages, %ld of them refused; %ld backends at most\n",
	       done, messages, refused, largest);
	return 0;
}
