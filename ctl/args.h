/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the command line that several commands take. */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

/* Each ends the program with a usage error if the word is not allowed. */

/* A pool's name. @previous: the name given before; NULL: none. */
const char *args_pool(const char *word, const char *previous);

/* For commands that take no words. */
void args_none(char **words);

/* The value of an option that takes seconds. Return: milliseconds. */
unsigned int args_seconds(const char *option, const char *value);

#endif /* CTL_ARGS_H */
