/* SPDX-License-Identifier: GPL-2.0-only */
/* The colours of list and watch. */
#ifndef CTL_COLOUR_H
#define CTL_COLOUR_H

#include <stdbool.h>

#define BOLD		"\033[1m"
#define DIM		"\033[2m"
#define REVERSE		"\033[7m"
#define RED		"\033[31m"
#define GREEN		"\033[32m"
#define YELLOW		"\033[33m"
#define MAGENTA		"\033[35m"
#define CYAN		"\033[36m"
#define PLAIN		"\033[0m"

/*
 * Return: true if stdout is a terminal that can show colours and NO_COLOR is not
 * set.
 */
bool colours_enabled(void);

#endif /* CTL_COLOUR_H */
