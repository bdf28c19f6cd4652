/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is before a test, and after it. */
#ifndef FAMILY_SCENE_H
#define FAMILY_SCENE_H

#include "ask.h"

/* So that there is something to spoil. */
void some_state(void);

/* Whoever was used once too often, or too seldom, shows now. */
void nothing_is_left(void);

/* Change the nat table here, by LC_IPTABLES. */
__attribute__((format(printf, 2, 3)))
void iptables(struct place place, const char *format, ...);

#endif /* FAMILY_SCENE_H */
