/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the family tells, as text: a line for each message of a dump.
 *
 *	NAME rules=N members=N[ SETTING=N...]	a pool
 *	rule rules=N members=N			a rule's own
 *	NAME ADDR PORT PROTO weight=N max=N backup=N STATE[ HEALTH]
 *						a backend of it
 *	ADDR PORT PROTO STATE			a backend
 *
 * and behind each backend " ACTIVE INACTIVE TOTAL[ fails=N]" if that is wanted.
 * A setting is there only when it is another than a pool has that is given none,
 * health when it is bad, and failed connections when there were any.
 */
#ifndef GENL_LISTING_H
#define GENL_LISTING_H

#include "talk.h"

/**
 * struct listing - lines, one after the other
 * @text: they, with a zero at the end
 * @length: without it
 * @room: bytes there are
 * @counts: what backends carry is listed too
 */
struct listing {
	char	*text;
	size_t	length;
	size_t	room;
	bool	counts;
};

__attribute__((format(printf, 2, 3)))
void listing_add(struct listing *listing, const char *format, ...);
void listing_free(struct listing *listing);

/* A row of a dump, or an event: checked whole, and added. */
void listing_add_row(struct listing *listing, const struct nlmsghdr *nlh);

/* A dump. The filter is attributes as attributes() has them, or empty. */
void list(struct listing *listing, struct talk *talk, uint8_t cmd,
	  const char *filter, struct answer *answer);

/* All of it, in one text: pools, backends, and the lines of /proc. */
void list_all(struct listing *listing, struct talk *talk);

/* The first line in which two texts differ. */
void say_difference(const char *wanted, const char *got);

#endif /* GENL_LISTING_H */
