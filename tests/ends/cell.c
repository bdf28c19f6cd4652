// SPDX-License-Identifier: GPL-2.0-only
/*
 * The matrix. The first three dimensions are crossed in full: they decide what
 * keeps the backends that were chosen last. Of the others each value meets each
 * value of every other dimension, which cells_check() proves.
 */
#include <stdio.h>
#include <string.h>

#include "ends.h"

#define CROSSED	(D_RECORD + 1)	/* dimensions */

static const struct {
	const char	*name;
	unsigned int	count;
	const char	*values[KNOWN];
} dimensions[DIMENSIONS] = {
	[D_KNOWN]	= { "known", KNOWN, { "rule", "pool", "both", "no-rule",
					      "emptied", "alone", "ahead" } },
	[D_STATE]	= { "state", 3, { "ready", "drain", "down" } },
	[D_RECORD]	= { "record", RECORDS, { "none", "young", "old",
						 "closed", "failed",
						 "waiting" } },
	[D_FRONT]	= { "front", 2, { "legacy", "nft" } },
	[D_FAMILY]	= { "family", 2, { "4", "6" } },
	[D_HEALTH]	= { "health", HEALTHS, { "in", "ejected", "trial",
						 "suspect" } },
	[D_PERSISTENT]	= { "persistent", 2, { "no", "yes" } },
	[D_SLOW]	= { "slow-start", 2, { "no", "yes" } },
	[D_READER]	= { "reader", READERS, { "none", "proc", "dump" } },
};

struct cell cell_at(unsigned int at)
{
	/* The factors were found by trial: cells_check() likes them. */
	unsigned int others = 121 * at + 190 * (at / 6) + 5 * (at / 18) +
			      at / 7 + at / 16;
	struct cell cell;
	unsigned int i;

	for (i = CROSSED; i--; at /= dimensions[i].count)
		cell.value[i] = at % dimensions[i].count;
	for (i = CROSSED; i < DIMENSIONS; others /= dimensions[i++].count)
		cell.value[i] = others % dimensions[i].count;
	return cell;
}

const char *cell_text(const struct cell *cell)
{
	static char text[256];
	int length = 0;

	for (unsigned int i = 0; i < DIMENSIONS; i++)
		length += snprintf(text + length, sizeof(text) - length,
				   "%s%s=%s", i ? " " : "", dimensions[i].name,
				   dimensions[i].values[cell->value[i]]);
	return text;
}

static void check_pair(unsigned int a, unsigned int b)
{
	bool met[KNOWN][KNOWN] = {};
	struct cell cell;

	for (unsigned int at = 0; at < CELLS; at++) {
		cell = cell_at(at);
		met[cell.value[a]][cell.value[b]] = true;
	}
	for (unsigned int i = 0; i < dimensions[a].count; i++)
		for (unsigned int j = 0; j < dimensions[b].count; j++)
			if (!met[i][j])
				die("no cell has %s=%s and %s=%s",
				    dimensions[a].name, dimensions[a].values[i],
				    dimensions[b].name, dimensions[b].values[j]);
}

void cells_check(void)
{
	for (unsigned int a = 0; a < DIMENSIONS; a++)
		for (unsigned int b = a + 1; b < DIMENSIONS; b++)
			check_pair(a, b);
}
