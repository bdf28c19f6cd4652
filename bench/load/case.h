/* SPDX-License-Identifier: GPL-2.0-only */
/* What is measured. A case's run is one batch in one world. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

#define CASE_VALUES 4

struct kase {
	const char	*name;
	uint8_t		proto;
	unsigned int	flows;		/* in a batch */
	const struct end *service;	/* whom they are for */
	/* Once in each world, A then B, and the world is empty before. */
	bool		once;
	/* The flows that all runs use; NULL: each run has its own. */
	void		(*setup)(struct world *world);
	void		(*run)(struct world *world, double *values);
	/* What a run's values are called. */
	const char	*values[CASE_VALUES];
};

/* The one that runs. */
struct job {
	const struct kase	*kase;
	unsigned int		flows;
	unsigned int		live;	/* flows that are there all the time */
	unsigned int		rest;	/* milliseconds, after a round */
	bool			trial;	/* this run does not count */
	struct end		*servers;
};

extern struct job job;

const struct kase *case_named(const char *name);
void case_init(const struct kase *kase, unsigned int flows, unsigned int live);
void case_clean(struct world *world);
void case_empty(const struct world *world);

/* In connect.c, steady.c and aftermath.c. */
void run_new(struct world *world, double *values);
void run_life(struct world *world, double *values);
void setup_established(struct world *world);
void run_established(struct world *world, double *values);
void run_end(struct world *world, double *values);
void run_live(struct world *world, double *values);

#endif
