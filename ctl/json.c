// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot as JSON. The manual documents the format: keys stay, later versions
 * may add keys.
 */
#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "snapshot.h"

static void json_print_settings(FILE *out, const struct settings *settings)
{
	const struct setting *setting = setting_types;
	const char *c;

	for (; setting < setting_types + N_SETTINGS; setting++) {
		uint32_t value = settings->value[setting - setting_types];

		fputc('"', out);
		for (c = setting->name; *c; c++)
			fputc(*c == '-' ? '_' : *c, out);
		if (setting->is_flag)
			fprintf(out, "\": %s, ", value ? "true" : "false");
		else if (setting_is_default(setting - setting_types, value))
			fprintf(out, "\": null, ");
		else
			fprintf(out, "\": %u, ", value);
	}
}

/* Pool names and addresses have no characters that JSON requires to escape. */
static void json_print_backend(FILE *out, const struct backend *backend,
			       const char *indent, bool terms)
{
	char addr[INET6_ADDRSTRLEN];

	fprintf(out, "%s{\"family\": \"%s\", \"address\": \"%s\", \"port\": %u, \"proto\": \"%s\", ",
		indent, family_name(backend->family),
		address_format(backend, addr), backend->port,
		proto_name(backend->proto));
	if (terms)
		fprintf(out, "\"weight\": %u, \"max_conns\": %u, \"counted\": %u, \"full\": %s, \"backup\": %s, \"health\": \"%s\", \"reason\": \"%s\", ",
			backend->weight, backend->max_conns, backend->counted,
			backend_is_full(backend) ? "true" : "false",
			backend->backup ? "true" : "false",
			health_name(backend->health),
			reason_name(backend->reason));
	fprintf(out, "\"state\": \"%s\", \"active\": %u, \"inactive\": %u, \"total\": %" PRIu64 ", \"fails\": %u}",
		state_name(backend->state), backend->active, backend->inactive,
		backend->total, backend->fails);
}

static void json_print_array(FILE *out, const struct backends *backends,
			     const char *indent, const char *end, bool terms)
{
	size_t i;

	fputc('[', out);
	for (i = 0; i < backends->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		json_print_backend(out, &backends->at[i], indent, terms);
	}
	fprintf(out, "%s]", backends->count ? end : "");
}

static void json_print_groups(FILE *out, const struct snapshot *snapshot,
			      bool pools)
{
	const char *comma = "";
	size_t i;

	fputc('[', out);
	for (i = 0; i < snapshot->count; i++) {
		const struct group *group = &snapshot->groups[i];

		if (group_is_pool(group) != pools)
			continue;
		fprintf(out, "%s\n    {", comma);
		comma = ",";
		if (pools)
			fprintf(out, "\"name\": \"%s\", ", group->pool);
		fprintf(out, "\"rules\": %u, ", group->rules);
		json_print_settings(out, &group->settings);
		fputs("\"backends\": ", out);
		json_print_array(out, &group->backends, "      ", "\n    ", true);
		fputc('}', out);
	}
	fprintf(out, "%s]", *comma ? "\n  " : "");
}

void json_print(FILE *out, const struct snapshot *snapshot)
{
	fputs("{\n  \"pools\": ", out);
	json_print_groups(out, snapshot, true);
	fputs(",\n  \"rules\": ", out);
	json_print_groups(out, snapshot, false);
	fputs(",\n  \"unused\": ", out);
	json_print_array(out, &snapshot->unused, "    ", "\n  ", false);
	fputs("\n}\n", out);
}
