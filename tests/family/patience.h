/* SPDX-License-Identifier: GPL-2.0-only */
/* Time, and what comes with it. */
#ifndef FAMILY_PATIENCE_H
#define FAMILY_PATIENCE_H

#include "ask.h"

/* Of a clock that nobody sets. */
uint64_t now_ms(void);

/* Patience is multiplied where the processor is slow. */
uint64_t deadline(unsigned int ms);

/* All backends, and what they carry. */
void await_counts(struct place place, const char *wanted);

/* iptables-nft lets go of a rule a little later, and rests take their time. */
void await_pool(struct place place, const char *filter, const char *wanted);

#endif /* FAMILY_PATIENCE_H */
