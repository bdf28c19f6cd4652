/* SPDX-License-Identifier: GPL-2.0-only */
/* What is measured: a case's run is one batch in one world. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdint.h>

#include "world.h"

struct kase {
	const char	*name;
	uint8_t		proto;
	unsigned int	batch;			/* flows */
	unsigned int	frames;			/* most in one go, of a flow */
	/* What must be there first; may be NULL. */
	void		(*setup)(struct world *world);
	/* Nanoseconds of a packet, or of a connection. */
	double		(*run)(struct world *world);
	/* Of whom the flows are. */
	const struct end *service;
};

const struct kase *case_named(const char *name);
void case_init(const struct kase *kase, unsigned int batch, unsigned int live);
void case_fill(struct world *world);
void case_setup(struct world *world);
double case_run(struct world *world);
void case_clean(struct world *world);

#endif
