// SPDX-License-Identifier: GPL-2.0-only
/* The colours of list and watch. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colour.h"

bool colours_enabled(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no || !*no) &&
	       (!term || strcmp(term, "dumb") != 0);
}
