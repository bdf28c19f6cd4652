/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot as JSON. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdio.h>

struct snapshot;

void json_print(FILE *out, const struct snapshot *snapshot);

#endif /* CTL_JSON_H */
