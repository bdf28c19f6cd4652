/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_NETLINK_H
#define LC_NETLINK_H

int lc_netlink_init(void);
void lc_netlink_exit(void);

#endif /* LC_NETLINK_H */
