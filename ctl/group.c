// SPDX-License-Identifier: GPL-2.0-only
/* A pool or a rule with --to: its settings and its backends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "group.h"

void backends_add(struct backends *backends, const struct backend *backend)
{
	backends->at = array_grow(backends->at, &backends->room,
				  backends->count, sizeof(*backends->at));
	backends->at[backends->count++] = *backend;
}

void backends_free(struct backends *backends)
{
	free(backends->at);
	memset(backends, 0, sizeof(*backends));
}

bool pool_name_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";
	size_t length = strspn(name, allowed);

	return name[length] == '\0' && length > 0 &&
	       length < LEASTCONN_NAME_SIZE;
}

bool group_is_pool(const struct group *group)
{
	return group->pool[0];
}

/* The protocol of the backends with a port; 0 if there is none. */
static uint32_t group_proto(const struct group *group)
{
	size_t i;

	for (i = 0; i < group->backends.count; i++) {
		if (group->backends.at[i].proto)
			return group->backends.at[i].proto;
	}
	return 0;
}

void group_default_settings(const struct group *group,
			    struct settings *settings)
{
	if (group_is_pool(group) || !group->backends.count)
		settings_init_pool(settings);
	else
		settings_init_rule(settings, group->backends.at[0].family);
}

/* Each rule ejects backends independently, so health is compared too. */
static bool member_equal(const struct backend *a, const struct backend *b)
{
	return backend_compare(a, b) == 0 && a->weight == b->weight &&
	       a->max_conns == b->max_conns && a->backup == b->backup &&
	       a->health == b->health && a->reason == b->reason;
}

bool group_equal(const struct group *a, const struct group *b)
{
	size_t i;

	if (a->backends.count != b->backends.count ||
	    !settings_equal(&a->settings, &b->settings))
		return false;
	for (i = 0; i < a->backends.count; i++) {
		if (!member_equal(&a->backends.at[i], &b->backends.at[i]))
			return false;
	}
	return true;
}

void group_format_title(const struct group *group, char *text, size_t size)
{
	char name[64], rules[32] = "", settings[SETTINGS_STRLEN];
	struct settings defaults;
	uint32_t proto = group_proto(group);
	size_t count = group->backends.count;

	if (group_is_pool(group)) {
		snprintf(name, sizeof(name), "Pool %s", group->pool);
		snprintf(rules, sizeof(rules), ", %u rule%s", group->rules,
			 group->rules == 1 ? "" : "s");
	} else if (group->rules == 1) {
		snprintf(name, sizeof(name), "Rule with --to");
	} else {
		snprintf(name, sizeof(name), "%u equal rules with --to",
			 group->rules);
	}
	group_default_settings(group, &defaults);
	settings_format(&group->settings, &defaults, ", ", settings,
			sizeof(settings));
	snprintf(text, size, "%s%s%s, %zu backend%s%s%s", name,
		 proto ? ", " : "", proto ? proto_name(proto) : "", count,
		 count == 1 ? "" : "s", rules, settings);
}
