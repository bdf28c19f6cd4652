/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to the control family, good ones and others, and its answers.
 * Whatever cannot go on ends the program with a sentence and status 1.
 */
#ifndef GENL_TALK_H
#define GENL_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/leastconn.h>

#define MESSAGE_ROOM	(4 << 20)
#define MOST_CHANGES	65536

/** GENL_HEAD - where the attributes of a message begin */
#define GENL_HEAD	(MNL_NLMSG_HDRLEN + sizeof(struct genlmsghdr))

/**
 * struct message - to the family
 * @nlh: its header
 * @changes: offsets of its changes
 * @count: how many
 */
struct message {
	struct nlmsghdr	*nlh;
	uint32_t	*changes;
	unsigned int	count;
};

/**
 * struct answer - what came back
 * @error: errno, or 0
 * @offset: in the message, of what was wrong; 0: not said
 * @text: what was wrong; empty: not said
 * @killed: entries deleted, or -1: not said
 * @rows: messages of a dump
 */
struct answer {
	int		error;
	uint32_t	offset;
	char		text[256];
	int64_t		killed;
	unsigned int	rows;
};

typedef void (*row_reader)(const struct nlmsghdr *nlh, void *data);

/* Called before: whoever has more to say sets it. */
extern void (*die_first)(void);

/* Says why, with the place, and ends the program. */
__attribute__((noreturn, format(printf, 3, 4)))
void die_at(const char *file, int line, const char *format, ...);
#define die(...) die_at(__FILE__, __LINE__, __VA_ARGS__)

/* A socket of the namespace we are in; nothing else is shared among them. */
struct talk;
struct talk *talk_open(void);
void talk_close(struct talk *talk);
uint16_t talk_family(const struct talk *talk);
struct mnl_socket *talk_socket(const struct talk *talk);
void talk_join_events(struct talk *talk);

struct message *message_new(uint8_t cmd);
void message_free(struct message *message);

/*
 * One more change: an operation's name, or "-" for none, and attributes as
 * NAME=VALUE, or a flag's NAME. addr= brings the family too, raw= does not.
 */
__attribute__((format(printf, 2, 3)))
void change(struct message *message, const char *format, ...);

/* The attributes alone, wherever the message is. */
__attribute__((format(printf, 2, 3)))
void attributes(struct message *message, const char *format, ...);

/* Where the first attribute of a type is: in a change, or in the message. */
uint32_t attribute_of_change(const struct message *message, unsigned int at,
			     unsigned int type);
uint32_t attribute_of(const struct message *message, unsigned int type);

/* So many changes, each a line. */
void changes(struct message *message, const char *lines);

/* As it is, without a thought. False: the socket did not take it. */
bool talk_send(struct talk *talk, const struct nlmsghdr *nlh);

/* Until the end of the answer. False: none came within ten seconds. */
bool talk_hear(struct talk *talk, struct answer *answer, row_reader reader,
	       void *data);

/* The next message is of this family, and of a number of its own. */
void talk_mark(struct talk *talk, struct nlmsghdr *nlh);

/* A request, or with a reader a dump, and its answer. */
void ask(struct talk *talk, struct message *message, row_reader reader,
	 void *data, struct answer *answer);

#endif /* GENL_TALK_H */
