/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PROC_H
#define LC_PROC_H

int lc_proc_init(void);
void lc_proc_exit(void);

#endif /* LC_PROC_H */
