/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_HEALER_H
#define LC_HEALER_H

#include "report.h"

void lc_healer_init(struct lc_healer *healer, struct lc_pools *pools,
		    struct lc_clients *clients, struct lc_records *records,
		    struct lc_share *share);
void lc_healer_close(struct lc_healer *healer);
void lc_healer_exit(struct lc_healer *healer);

void lc_healer_revive(struct lc_backend *backend);
void lc_healer_eject(struct lc_backend *backend, u32 seconds);
void lc_healer_changed(struct lc_healer *healer);
void lc_healer_loads_changed(struct lc_healer *healer);

#endif /* LC_HEALER_H */
