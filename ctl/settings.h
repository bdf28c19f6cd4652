/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of a pool, or of a rule with --to: their names, how they are written. */
#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/leastconn.h>

/* In the order they are written. */
enum setting_id {
	SETTING_MAX_FAILS,
	SETTING_FAIL_TIMEOUT,
	SETTING_SLOW_START,
	SETTING_PERSISTENT,
	SETTING_PERSISTENT_MASK,
	SETTING_REDISPATCH,
	N_SETTINGS,
};

/**
 * struct setting - what is known of one
 * @name: as typed
 * @attr: as the kernel has it
 * @normal: what a pool has that is not given it
 * @is_flag: no number, but NAME or no-NAME
 */
struct setting {
	const char		*name;
	enum leastconn_attr	attr;
	uint32_t		normal;
	bool			is_flag;
};

extern const struct setting settings_known[N_SETTINGS];

/**
 * struct settings - of a pool or rule
 * @of: by &enum setting_id; a flag: 0 or 1
 */
struct settings {
	uint32_t	of[N_SETTINGS];
};

/* A setting in the words of the command line. */
#define SETTING_STRLEN	sizeof("persistent-mask 4294967295")

void setting_format(enum setting_id id, uint32_t value, char *buf);

/* Those that differ from @normal, with @gap before each. */
void settings_format(const struct settings *settings,
		     const struct settings *normal, const char *gap,
		     char *text, size_t size);

/* Room for that. */
#define SETTINGS_STRLEN	(N_SETTINGS * (SETTING_STRLEN + 2))

/* Those of a pool that is given none, or of a rule for that family. */
void settings_of_pool(struct settings *settings);
void settings_of_rule(struct settings *settings, uint32_t family);

bool settings_same(const struct settings *a, const struct settings *b);

#endif /* CTL_SETTINGS_H */
