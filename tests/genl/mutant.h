/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GENL_MUTANT_H
#define GENL_MUTANT_H

#include "talk.h"

/**
 * struct mutant - a message that dice have made
 * @nlh: it; of the room that it has
 * @size: bytes to be sent, whatever it says itself
 * @mutations: made to one that is good, or could be
 * @frame: the header of netlink is among them: perhaps no answer comes
 */
struct mutant {
	struct nlmsghdr	*nlh;
	size_t		size;
	unsigned int	mutations;
	bool		frame;
};

/* Seed and round decide alone. */
void mutant(struct mutant *mutant, uint64_t seed, uint64_t round);

#endif /* GENL_MUTANT_H */
