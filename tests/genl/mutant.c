// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request that may be good, with none to four mutations; which ones is up to
 * the dice. Seed and round decide alone.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "../dice.h"
#include "mutant.h"

#define ROOM		(1 << 17)
#define MOST_ATTRS	512

/* ---- a message that may be good ---- */

static const char *any_pool(void)
{
	static const char *const pools[] = {
		"a", "b", "c", "d", "web", "abcdefghijklmnopqrstuvwxyz01234",
	};

	return one_of(pools);
}

static const char *any_address(void)
{
	static const char *const addrs[] = {
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5",
		"192.0.2.1", "fd00::1", "fd00::2", "0.0.0.0", "ff02::1",
	};

	return addrs[dice(dice(8) ? 5 : ARRAY_SIZE(addrs))];
}

/* Each has a case in three to be given; limits are among the values. */
static void any_settings(char *words)
{
	static const char *const names[] = {
		"max-fails", "fail-timeout", "slow-start", "redispatch",
		"persistent", "persistent-mask",
	};
	static const unsigned int values[ARRAY_SIZE(names)][4] = {
		{ 0, 1, 3, -1U }, { 1, 2, 10, LEASTCONN_MAX_SECONDS },
		{ 0, 1, 30, LEASTCONN_MAX_SECONDS }, { 0, 1, 1, 1 },
		{ 0, 1, 600, LEASTCONN_MAX_SECONDS }, { 1, 24, 64, 128 },
	};

	*words = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!dice(3))
			words += sprintf(words, " %s=%u", names[i],
					 one_of(values[i]));
}

static void any_change(struct message *message)
{
	const char *pool = any_pool(), *addr = any_address();
	int port = dice(3) ? 80 : (int)dice(65536);
	char settings[256] = "";

	switch (dice(15)) {
	case 0:
		if (dice(2))
			any_settings(settings);
		change(message, "pool_add pool=%s%s", pool, settings);
		break;
	case 1:
		if (dice(4))
			change(message, "state addr=%s state=1 ahead", addr);
		else
			change(message, "pool_del pool=%s", pool);
		break;
	case 2:
	case 3:
	case 4:
		change(message, "add pool=%s addr=%s port=%d", pool, addr, port);
		break;
	case 5:
		change(message, "add pool=%s addr=%s weight=%u max-conns=%u backup=%u state=%u",
		       pool, addr, dice(65536), dice(100), dice(2), dice(3));
		break;
	case 6:
		change(message, "add pool=%s addr=%s port=%d proto=%d", pool,
		       addr, port, dice(2) ? 6 : 17);
		break;
	case 7:
		change(message, "set pool=%s addr=%s port=80 weight=%u", pool,
		       addr, dice(65536));
		break;
	case 8:
		change(message, "del pool=%s addr=%s port=80%s", pool, addr,
		       dice(2) ? " kill" : "");
		break;
	case 9:
		change(message, "state addr=%s state=%u", addr, dice(3));
		break;
	case 10:
		change(message, "state addr=%s port=%d proto=6 state=%u ahead",
		       addr, port, dice(3));
		break;
	case 11:
		change(message, "kill addr=%s", addr);
		break;
	case 12:
	case 13:
		any_settings(settings);
		change(message, "pool_set pool=%s%s", pool, settings);
		break;
	case 14:
		/* For longer than anybody looks: what is listed changes at the end. */
		change(message, "eject addr=%s ejection-time=%d", addr,
		       LEASTCONN_MAX_EJECTION_TIME);
		break;
	}
}

static struct message *any_message(void)
{
	struct message *message;

	switch (dice(10)) {
	case 0:
		message = message_new(LEASTCONN_CMD_GET_POOLS);
		message->nlh->nlmsg_flags = NLM_F_DUMP;
		if (dice(2))
			attributes(message, "pool=%s", any_pool());
		return message;
	case 1:
		message = message_new(LEASTCONN_CMD_GET_BACKENDS);
		message->nlh->nlmsg_flags = NLM_F_DUMP;
		if (dice(2))
			attributes(message, "addr=%s", any_address());
		if (dice(2))
			attributes(message, "port=80 proto=6");
		return message;
	case 2:
	case 3:
		message = message_new(dice(2) ? LEASTCONN_CMD_GET_CLIENTS :
						LEASTCONN_CMD_FLUSH_CLIENTS);
		if (dice(2))
			message->nlh->nlmsg_flags = NLM_F_DUMP;
		if (dice(2))
			attributes(message, "pool=%s", any_pool());
		if (dice(2))
			attributes(message, "family=2 client=10.0.0.1 client-prefix=%u",
				   dice(129));
		return message;
	}
	message = message_new(LEASTCONN_CMD_CHANGE);
	for (unsigned int i = dice(8) ? dice(3) : dice(40); ; i--) {
		any_change(message);
		if (!i)
			return message;
	}
}

/* ---- where its attributes are ---- */

/**
 * struct place - an attribute
 * @at: offset of it
 * @size: with its padding, as it was before any mutation
 * @nest: offset of what it is in, 0: the message
 */
struct place {
	size_t	at;
	size_t	size;
	size_t	nest;
};

static struct place places[MOST_ATTRS];
static unsigned int found;

static struct nlattr *attr_at(const struct mutant *mutant, size_t at)
{
	return (struct nlattr *)((char *)mutant->nlh + at);
}

static void find_attrs(const struct mutant *mutant, size_t from, size_t to,
		       size_t nest)
{
	const struct nlattr *attr;
	size_t size;

	while (from + MNL_ATTR_HDRLEN <= to && found < MOST_ATTRS) {
		attr = attr_at(mutant, from);
		size = MNL_ALIGN(attr->nla_len);
		if (attr->nla_len < MNL_ATTR_HDRLEN || from + size > to)
			return;
		places[found++] = (struct place) { from, size, nest };
		if (attr->nla_type & NLA_F_NESTED && !nest)
			find_attrs(mutant, from + MNL_ATTR_HDRLEN, from + size,
				   from);
		from += size;
	}
}

/* ---- mutations ---- */

static const struct place *any_place(const struct mutant *mutant)
{
	found = 0;
	find_attrs(mutant, GENL_HEAD, mutant->size, 0);
	return found ? &places[dice(found)] : NULL;
}

static void mutate_type(struct mutant *mutant)
{
	const uint16_t types[] = { 0, LEASTCONN_A_PAD, LEASTCONN_A_CHANGE,
				   LEASTCONN_A_CHANGE | NLA_F_NESTED,
				   LEASTCONN_A_MAX + 1,
				   dice(LEASTCONN_A_MAX + 1),
				   dice(LEASTCONN_A_MAX + 1),
				   dice(LEASTCONN_A_MAX + 1) | NLA_F_NESTED,
				   dice(LEASTCONN_A_MAX + 1) | NLA_F_NET_BYTEORDER,
				   dice(65536) };
	const struct place *place = any_place(mutant);

	if (place)
		attr_at(mutant, place->at)->nla_type = one_of(types);
}

static void mutate_length(struct mutant *mutant)
{
	const uint16_t lengths[] = { 0, 1, 3, 4, 5, 6, 7, 8, 12, 19, 20, 21, 36,
				     37, 0x7fff, 0x8000, 0xfffc, 0xffff,
				     dice(65536), dice(256) };
	const struct place *place = any_place(mutant);

	if (place)
		attr_at(mutant, place->at)->nla_len = dice(3) ? one_of(lengths) :
			attr_at(mutant, place->at)->nla_len + dice(9) - 4;
}

static void mutate_number(struct mutant *mutant)
{
	const uint32_t values[] = { 0, 1, 2, 3, 6, 7, 8, 9, 10, 17, 128, 129, 255,
				    256, 65535, 65536, LEASTCONN_MAX_SECONDS,
				    LEASTCONN_MAX_SECONDS + 1, 1U << 31, -1U,
				    dice_number() };
	const struct place *place = any_place(mutant);
	uint32_t value = one_of(values);

	if (place && place->size >= MNL_ATTR_HDRLEN + sizeof(value))
		memcpy((char *)mutant->nlh + place->at + MNL_ATTR_HDRLEN, &value,
		       sizeof(value));
}

static void mutate_bytes(struct mutant *mutant)
{
	unsigned char *bytes = (unsigned char *)mutant->nlh;

	if (mutant->size == GENL_HEAD)
		return;
	for (unsigned int i = 1 + dice(dice(4) ? 2 : 16); i; i--)
		dice_mutate(&bytes[GENL_HEAD + dice(mutant->size - GENL_HEAD)]);
}

/* What comes behind makes room, and nests around it grow. */
static bool insert(struct mutant *mutant, size_t at, const void *bytes,
		   size_t size, size_t nest)
{
	char *start = (char *)mutant->nlh;

	if (mutant->size + size > ROOM)
		return false;
	memmove(start + at + size, start + at, mutant->size - at);
	memcpy(start + at, bytes, size);
	if (nest)
		attr_at(mutant, nest)->nla_len += size;
	mutant->size += size;
	return true;
}

static void mutate_twice(struct mutant *mutant)
{
	const struct place *place = any_place(mutant);
	char copy[1 << 16];
	size_t size;

	if (!place || place->size > sizeof(copy))
		return;
	size = place->size;
	memcpy(copy, attr_at(mutant, place->at), size);
	for (unsigned int i = dice(8) ? 1 : dice(300); i; i--)
		if (!insert(mutant, place->at, copy, size, place->nest))
			return;
}

static void mutate_gone(struct mutant *mutant)
{
	const struct place *place = any_place(mutant);
	char *start = (char *)mutant->nlh;

	if (!place)
		return;
	memmove(start + place->at, start + place->at + place->size,
		mutant->size - place->at - place->size);
	if (place->nest)
		attr_at(mutant, place->nest)->nla_len -= place->size;
	mutant->size -= place->size;
}

/* From one change into another, or out of all of them. */
static void mutate_moved(struct mutant *mutant)
{
	const struct place *from = any_place(mutant), *to;
	char copy[1 << 10];
	size_t size;

	if (!from || from->size > sizeof(copy))
		return;
	size = from->size;
	to = &places[dice(found)];
	memcpy(copy, attr_at(mutant, from->at), size);
	insert(mutant, to->at, copy, size, to->nest);
}

/* In so many nests. */
static void mutate_nested(struct mutant *mutant)
{
	const struct place *place = any_place(mutant);
	unsigned int depth = dice(4) ? 1 + dice(4) : dice(2000);
	struct place where;
	size_t size;

	if (!place)
		return;
	where = *place;
	size = attr_at(mutant, where.at)->nla_len;
	for (; depth && size < 60000; depth--) {
		struct nlattr head = {
			.nla_len	= size += MNL_ATTR_HDRLEN,
			.nla_type	= (dice(4) ? LEASTCONN_A_CHANGE :
					   dice(LEASTCONN_A_MAX)) | NLA_F_NESTED,
		};

		if (!insert(mutant, where.at, &head, sizeof(head), where.nest))
			return;
	}
}

static void mutate_end(struct mutant *mutant)
{
	uint32_t more = dice_number();

	if (dice(2))
		mutant->size = GENL_HEAD + dice(mutant->size - GENL_HEAD + 1);
	else
		insert(mutant, mutant->size, &more, 1 + dice(4), 0);
}

static struct genlmsghdr *genl_head(const struct mutant *mutant)
{
	return mnl_nlmsg_get_payload(mutant->nlh);
}

static void mutate_command(struct mutant *mutant)
{
	struct genlmsghdr *head = genl_head(mutant);

	switch (dice(4)) {
	case 0:
		head->version = dice(256);
		break;
	case 1:
		head->reserved = 1U << dice(16);
		break;
	case 2:
		head->cmd = dice(256);
		break;
	case 3:
		head->cmd = dice(LEASTCONN_CMD_MAX + 2);
		break;
	}
}

/* What asks for an answer stays. */
static void mutate_flags(struct mutant *mutant)
{
	const uint16_t flags[] = { NLM_F_DUMP, NLM_F_ROOT, NLM_F_MATCH,
				   NLM_F_ECHO, NLM_F_MULTI, NLM_F_ATOMIC,
				   NLM_F_CREATE, NLM_F_APPEND, dice(65536) };

	mutant->nlh->nlmsg_flags ^= one_of(flags);
}

/* Its length is another one than it says. */
static void mutate_frame(struct mutant *mutant)
{
	mutant->frame = true;
}

static void (*const mutations[])(struct mutant *mutant) = {
	mutate_type, mutate_type, mutate_length, mutate_length, mutate_number,
	mutate_number, mutate_number, mutate_bytes, mutate_bytes, mutate_twice,
	mutate_gone, mutate_moved, mutate_nested, mutate_end, mutate_command,
	mutate_flags, mutate_frame,
};

void mutant(struct mutant *mutant, uint64_t seed, uint64_t round)
{
	struct message *message;

	dice_seed(seed, round);
	message = any_message();
	mutant->size = message->nlh->nlmsg_len;
	if (!mutant->nlh)
		mutant->nlh = malloc(ROOM + 64);
	memcpy(mutant->nlh, message->nlh, mutant->size);
	message_free(message);
	mutant->frame = false;
	mutant->mutations = dice(4) ? 1 + (dice(2) ? 0 : dice(4)) : 0;
	for (unsigned int i = mutant->mutations; i; i--)
		one_of(mutations)(mutant);
	mutant->nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	mutant->nlh->nlmsg_len = mutant->frame && dice(4) ?
				 dice(mutant->size + 20) : mutant->size;
}
