/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_FILTER_H
#define LC_FILTER_H

#include "report.h"

void lc_filter_dropped(struct lc_healer *healer, const struct lc_choice *choice);
void lc_filter_collect(struct lc_healer *healer);
void lc_filter_unconfirmed(void);
u64 lc_filter_look(struct lc_healer *healer);

#endif /* LC_FILTER_H */
