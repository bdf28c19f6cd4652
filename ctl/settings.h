/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of a pool or of a rule with --to. */
#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/leastconn.h>

/* In the order in which they are printed. */
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
 * struct setting - a kind of setting
 * @name: its name on the command line
 * @attr: its netlink attribute
 * @default_value: default of a pool
 * @is_flag: written as NAME or no-NAME, without a number
 */
struct setting {
	const char		*name;
	enum leastconn_attr	attr;
	uint32_t		default_value;
	bool			is_flag;
};

extern const struct setting setting_types[N_SETTINGS];

/**
 * struct settings - the settings of a pool or rule
 * @value: by &enum setting_id; a flag is 0 or 1
 */
struct settings {
	uint32_t	value[N_SETTINGS];
};

/* Size of a setting as text. */
#define SETTING_STRLEN	sizeof("persistent-mask 4294967295")

/* Does the default depend on the backends? Then the value is no number. */
bool setting_is_default(enum setting_id id, uint32_t value);

/* Write the setting as on the command line. */
void setting_format(enum setting_id id, uint32_t value, char *buf);

/*
 * Write the settings that differ from @defaults, each after @separator, into @text,
 * which has SETTINGS_STRLEN bytes.
 */
void settings_format(const struct settings *settings,
		     const struct settings *defaults, const char *separator,
		     char *text, size_t size);

#define SETTINGS_STRLEN	(N_SETTINGS * (SETTING_STRLEN + 2))

/* Set the defaults of a pool, or of a rule of a family. */
void settings_init_pool(struct settings *settings);
void settings_init_rule(struct settings *settings, uint32_t family);

bool settings_equal(const struct settings *a, const struct settings *b);

#endif /* CTL_SETTINGS_H */
