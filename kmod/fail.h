/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_FAIL_H
#define LC_FAIL_H

#include <linux/types.h>

struct lc_healer;
struct lc_records;
struct nf_conn;

bool lc_fail(struct lc_healer *healer, struct lc_records *records,
	     const struct nf_conn *ct, u8 reason);

#endif /* LC_FAIL_H */
