/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Network namespaces that end in every state that a backend, a pool, a rule and
 * a record can be in.
 */
#ifndef ENDS_H
#define ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "../genl/talk.h"

/* rule.h has a function of this name. */
#undef die
#include "../rawrule/rule.h"

/* How the backends are known at the end; a state other than ready adds itself. */
enum known {
	BY_RULE,	/* a rule with --to */
	BY_POOL,	/* a pool that a rule uses */
	BY_BOTH,
	NO_RULE,	/* a pool whose rule was deleted just before */
	EMPTIED,	/* the rule's pool stands, its members were deleted */
	ALONE,		/* rule and pool were deleted: by their state, or not at all */
	AHEAD,		/* never in a pool, their state was set ahead */
	KNOWN,
};

/* The state of the last connections, one on each processor. */
enum record {
	NONE,		/* chosen, dropped before it could be recorded */
	YOUNG,
	OLD,		/* and young ones */
	CLOSED,
	FAILED,
	WAITING,	/* for the redispatched client */
	RECORDS,
};

enum health { IN, EJECTED, TRIAL, SUSPECT, HEALTHS };
enum reader { NO_READER, PROC, DUMP, READERS };

/* In a cell's value[] */
enum { D_KNOWN, D_STATE, D_RECORD, D_FRONT, D_FAMILY, D_HEALTH, D_PERSISTENT,
	D_SLOW, D_READER, DIMENSIONS };

/**
 * struct cell - a state that a namespace ends in
 * @value: by dimension
 */
struct cell {
	unsigned int value[DIMENSIONS];
};

#define CELLS	(KNOWN * 3 * RECORDS)

struct cell cell_at(unsigned int at);
const char *cell_text(const struct cell *cell);
void cells_check(void);

/* host.c: processors, time and sockets */
unsigned int processors(void);
void run_on(unsigned int processor);
void run_anywhere(void);
void pause_ms(unsigned int ms);

void lo_up(bool ipv6_too);
int tcp_open(const char *addr, unsigned int port);
int tcp_listen(unsigned int port);
void close_silently(int fd);
void send_udp(const char *addr, unsigned int port);
void send_echo(void);

/*
 * tenant.c: the namespace of a cell. tenant_build() makes it, tenant_choose()
 * makes its last connections and changes; it ends with the process. Return of
 * tenant_choose(): the socket of a dump that is not read, or -1.
 */
void tenant_build(const struct cell *cell);
int tenant_choose(const struct cell *cell);
unsigned int tenant_module_uses(const struct cell *cell);

#endif /* ENDS_H */
