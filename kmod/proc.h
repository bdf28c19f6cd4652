/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_PROC_H
#define LC_PROC_H

struct net;

int lc_proc_init(struct net *net);
void lc_proc_exit(struct net *net);

#endif /* LC_PROC_H */
