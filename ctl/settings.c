// SPDX-License-Identifier: GPL-2.0-only
/* The settings of a pool or of a rule with --to. */
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "settings.h"

const struct setting setting_types[N_SETTINGS] = {
	[SETTING_MAX_FAILS] = {
		"max-fails", LEASTCONN_A_MAX_FAILS,
		LEASTCONN_MAX_FAILS_DEFAULT, false },
	[SETTING_FAIL_TIMEOUT] = {
		"fail-timeout", LEASTCONN_A_FAIL_TIMEOUT, 10, false },
	[SETTING_SLOW_START] = {
		"slow-start", LEASTCONN_A_SLOW_START, 0, false },
	[SETTING_PERSISTENT] = {
		"persistent", LEASTCONN_A_PERSISTENT, 0, false },
	[SETTING_PERSISTENT_MASK] = {
		"persistent-mask", LEASTCONN_A_PERSISTENT_MASK, 128, false },
	[SETTING_REDISPATCH] = {
		"redispatch", LEASTCONN_A_REDISPATCH, 0, true },
};

bool setting_is_default(enum setting_id id, uint32_t value)
{
	return id == SETTING_MAX_FAILS && value == LEASTCONN_MAX_FAILS_DEFAULT;
}

void setting_format(enum setting_id id, uint32_t value, char *buf)
{
	const struct setting *setting = &setting_types[id];

	if (setting->is_flag)
		snprintf(buf, SETTING_STRLEN, "%s%s", value ? "" : "no-",
			 setting->name);
	else if (setting_is_default(id, value))
		snprintf(buf, SETTING_STRLEN, "%s default", setting->name);
	else
		snprintf(buf, SETTING_STRLEN, "%s %u", setting->name, value);
}

void settings_format(const struct settings *settings,
		     const struct settings *defaults, const char *separator,
		     char *text, size_t size)
{
	char word[SETTING_STRLEN];
	enum setting_id id;
	size_t used = 0;

	*text = '\0';
	for (id = 0; id < N_SETTINGS && used < size; id++) {
		if (settings->value[id] == defaults->value[id])
			continue;
		setting_format(id, settings->value[id], word);
		used += snprintf(text + used, size - used, "%s%s", separator, word);
	}
}

void settings_init_pool(struct settings *settings)
{
	enum setting_id id;

	for (id = 0; id < N_SETTINGS; id++)
		settings->value[id] = setting_types[id].default_value;
}

void settings_init_rule(struct settings *settings, uint32_t family)
{
	settings_init_pool(settings);
	settings->value[SETTING_MAX_FAILS] = 0;
	settings->value[SETTING_PERSISTENT_MASK] = address_size(family) * 8;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return memcmp(a->value, b->value, sizeof(a->value)) == 0;
}
