// SPDX-License-Identifier: GPL-2.0-only
/* Words of the command line that several commands take. */
#include <stddef.h>

#include "args.h"
#include "message.h"
#include "parse.h"

const char *args_pool(const char *word, const char *previous)
{
	struct parse_error error;

	if (word[0] == '-')
		die_usage("unknown option \"%s\"; see \"" PROGRAM " help\"", word);
	if (previous)
		die_usage("unexpected \"%s\" after pool %s; only one pool can be given", word,
			  previous);
	if (!parse_pool(word, &error))
		die_usage("%s", error.text);
	return word;
}

void args_none(char **words)
{
	if (*words)
		die_usage("unexpected \"%s\"; this command takes no arguments",
			  *words);
}

unsigned int args_seconds(const char *option, const char *value)
{
	unsigned int ms;

	if (!value)
		die_usage("\"%s\" needs a number of seconds", option);
	if (!parse_seconds(value, &ms))
		die_usage("%s \"%s\" is not a number of seconds, 0 to 999999, decimals allowed",
			  option, value);
	return ms;
}
