// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit iptables talks to a 64-bit kernel with the same bytes: compiled, not
 * run, once for each word size.
 *
 *	cc -fsyntax-only -I include/uapi tests/unit/abi.c
 *	clang --target=i386-linux-gnu -isystem /usr/include/x86_64-linux-gnu \
 *		-fsyntax-only -I include/uapi tests/unit/abi.c
 */
#include <stddef.h>
#include <linux/netfilter/xt_LEASTCONN.h>

#define AT(type, member, offset) \
	_Static_assert(offsetof(struct type, member) == (offset), \
		       #type "." #member " has moved")

AT(xt_leastconn_backend, addr, 0);
AT(xt_leastconn_backend, max_conns, 16);
AT(xt_leastconn_backend, weight, 20);
AT(xt_leastconn_backend, port, 22);
AT(xt_leastconn_backend, flags, 24);
_Static_assert(sizeof(struct xt_leastconn_backend) == 28,
	       "struct xt_leastconn_backend has another size");
_Static_assert(_Alignof(struct xt_leastconn_backend) == 4,
	       "struct xt_leastconn_backend has another alignment");

AT(xt_leastconn_tginfo, flags, 0);
AT(xt_leastconn_tginfo, count, 4);
AT(xt_leastconn_tginfo, name, 8);
AT(xt_leastconn_tginfo, max_fails, 40);
AT(xt_leastconn_tginfo, fail_timeout, 44);
AT(xt_leastconn_tginfo, slow_start, 48);
AT(xt_leastconn_tginfo, persistent, 52);
AT(xt_leastconn_tginfo, persistent_mask, 56);
AT(xt_leastconn_tginfo, backends, 60);
AT(xt_leastconn_tginfo, pool, 1856);
AT(xt_leastconn_tginfo, proto, 1864);
_Static_assert(sizeof(struct xt_leastconn_tginfo) == 1872,
	       "struct xt_leastconn_tginfo has another size");
_Static_assert(_Alignof(struct xt_leastconn_tginfo) == 8,
	       "struct xt_leastconn_tginfo has another alignment");

/* For the debug information, in which tests/ext/abi compares all members. */
struct xt_leastconn_tginfo abi_info;
