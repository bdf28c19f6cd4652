// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the time of a case in two worlds, in the order A B B A: whatever a
 * place in the order costs, both have it. The clock is the one that is there.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "case.h"
#include "flow.h"
#include "machine.h"
#include "number.h"
#include "say.h"
#include "talk.h"

static const char usage[] =
"Usage: load CASE --a WORLD --b WORLD [--name TEXT] [--rounds N] [--batch N]\n"
"            [--live N] [--alone] [--turns N] [--warm] [--rest MS]\n"
"Sends batches of a case through two balancers in turn, A B B A in a round, and\n"
"prints for each pair and value a row of\n"
"  VALUE NAME BACKENDS LIVE NANOSECONDS-OF-B NANOSECONDS-OF-A\n"
"of one packet or one connection, separated by tabs, at the end. A WORLD is\n"
"NAME:KEEPER:BACKENDS, KEEPER being conntrack, leastconn or ipvs.\n"
"  --alone      a burst that leaves the processor to nobody; else the kernel's own\n"
"               threads may run in a batch, and count, as when a hash table grows\n"
"  --turns N    A B B A so many times in a round, before connections are deleted\n"
"  --warm       a batch of A more, first in each round, which does not count: where\n"
"               there are caches, it is dear, and what follows it is not\n"
"  --rest MS    after the batches' connections were deleted (500)\n";

#define MOST	100000000U

struct options {
	const char	*a, *b, *name;
	unsigned int	rounds, turns, batch, live, rest;
	bool		alone, warm;
};

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "a", required_argument, NULL, 'a' },
		{ "b", required_argument, NULL, 'b' },
		{ "name", required_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "batch", required_argument, NULL, 'k' },
		{ "live", required_argument, NULL, 'l' },
		{ "turns", required_argument, NULL, 'u' },
		{ "warm", no_argument, NULL, 'w' },
		{ "rest", required_argument, NULL, 't' },
		{ "alone", no_argument, NULL, 's' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 'a': options->a = optarg; break;
		case 'b': options->b = optarg; break;
		case 'n': options->name = optarg; break;
		case 'r': options->rounds = number(optarg, 0, MOST); break;
		case 'k': options->batch = number(optarg, 0, MOST); break;
		case 'l': options->live = number(optarg, 0, MOST); break;
		case 'u': options->turns = number(optarg, 0, MOST); break;
		case 'w': options->warm = true; break;
		case 't': options->rest = number(optarg, 0, MOST); break;
		case 's': options->alone = true; break;
		default: fputs(usage, stderr); exit(2);
		}
	if (optind != argc - 1 || !options->a || !options->b) {
		fputs(usage, stderr);
		exit(2);
	}
}

/* Flows that no earlier program has begun in these worlds. */
static uint32_t fresh_flow(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return FLOW_NEW + ((t.tv_sec * 1000000 + t.tv_nsec / 1000) %
			   FLOW_NEW);
}

static void open_both(struct world *a, struct world *b,
		      const struct options *options)
{
	world_open(a, options->a);
	world_open(b, options->b);
	a->old = a->next = b->old = b->next = fresh_flow();
}

static void print(const struct options *options, const struct world *b,
		  const double *of_b, const double *of_a)
{
	unsigned int i;

	for (i = 0; i < CASE_VALUES && job.kase->values[i]; i++)
		printf("%s\t%s\t%u\t%u\t%.1f\t%.1f\n", job.kase->values[i],
		       options->name ? options->name : b->name, b->backends,
		       options->live, of_b[i], of_a[i]);
}

static void once(const struct options *options, struct world *a,
		 struct world *b)
{
	double of_a[CASE_VALUES], of_b[CASE_VALUES];

	job.kase->run(a, of_a);
	job.kase->run(b, of_b);
	print(options, b, of_b, of_a);
}

static void turn(const struct options *options, struct world *a,
		 struct world *b)
{
	double a1[CASE_VALUES], a2[CASE_VALUES];
	double b1[CASE_VALUES], b2[CASE_VALUES];

	job.kase->run(a, a1);
	job.kase->run(b, b1);
	job.kase->run(b, b2);
	job.kase->run(a, a2);
	if (job.trial)
		return;
	print(options, b, b1, a1);
	print(options, b, b2, a2);
}

static void one_round(const struct options *options, struct world *a,
		      struct world *b)
{
	double values[CASE_VALUES];
	unsigned int i;

	if (options->warm)
		job.kase->run(a, values);
	for (i = 0; i < options->turns; i++)
		turn(options, a, b);
}

static void rounds(const struct options *options, struct world *a,
		   struct world *b)
{
	unsigned int i;

	talk_fill(a);
	talk_fill(b);
	if (job.kase->setup) {
		job.kase->setup(a);
		job.kase->setup(b);
	}
	/* The first does not count: caches, slabs and tables get their size. */
	for (i = 0; i <= options->rounds; i++) {
		job.trial = !i;
		one_round(options, a, b);
		if (job.kase->setup && i < options->rounds)
			continue;
		case_clean(a);
		case_clean(b);
	}
	case_empty(a);
	case_empty(b);
}

int main(int argc, char **argv)
{
	struct options options = { .rounds = 3, .turns = 1, .rest = 500 };
	const struct kase *kase;
	struct world a, b;

	parse(argc, argv, &options);
	kase = case_named(argv[optind]);
	if (!kase)
		errx(1, "no case '%s'", argv[optind]);
	open_both(&a, &b, &options);
	case_init(kase, options.batch, options.live);
	job.rest = options.rest;
	check(!mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	machine_be_first(options.alone);
	if (kase->once)
		once(&options, &a, &b);
	else
		rounds(&options, &a, &b);
	return 0;
}
