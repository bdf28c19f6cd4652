/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows kernel versions: the code is written to the newest
 * kernel's interfaces. Stable and distribution kernels carry changes back, so
 * LC_HAVE_* are probes of the headers built against; see Kbuild.
 */
#ifndef LC_COMPAT_H
#define LC_COMPAT_H

#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>

#ifndef LC_HAVE_CT_ITER_DATA
/* before 6.0 */
struct nf_ct_iter_data {
	struct net	*net;
	void		*data;
	u32		portid;
	int		report;
};

static inline void
lc_iterate_cleanup_net(int (*iter)(struct nf_conn *ct, void *data),
		       const struct nf_ct_iter_data *it)
{
	nf_ct_iterate_cleanup_net(it->net, iter, it->data, it->portid,
				  it->report);
}

#define nf_ct_iterate_cleanup_net(iter, it) lc_iterate_cleanup_net(iter, it)
#endif

#endif /* LC_COMPAT_H */
