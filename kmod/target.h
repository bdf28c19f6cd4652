/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_TARGET_H
#define LC_TARGET_H

int lc_target_init(void);
void lc_target_exit(void);

#endif /* LC_TARGET_H */
