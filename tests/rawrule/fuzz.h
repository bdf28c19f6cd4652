/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules made up by dice, and what must become of them.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "rule.h"

void mutant(struct rule *rule, const struct door *door, uint64_t seed,
	    uint64_t round);

int fuzz(const struct door *door, uint64_t seed, unsigned long from,
	 unsigned long rounds);

#endif /* FUZZ_H */
