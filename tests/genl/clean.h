/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GENL_CLEAN_H
#define GENL_CLEAN_H

#include "talk.h"

/*
 * Deletes all pools, and makes all backends ready: after that nothing is left
 * but what rules have.
 */
void clean(struct talk *talk);

#endif /* GENL_CLEAN_H */
