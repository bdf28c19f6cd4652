/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands, and what they share. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdio.h>

#include "nl.h"
#include "message.h"

struct group;
struct snapshot;

/* Each: the words after its name, up to NULL. */
enum status run_list(char **words);
enum status run_watch(char **words);
enum status run_monitor(char **words);
enum status run_wait(char **words);
enum status run_save(char **words);
enum status run_restore(char **words);
enum status run_metrics(char **words);

/* Here the command's own name is the first of the words. */
enum status run_change(char **words);

/* A word that is to be a pool's name; @already: there was one. */
const char *take_pool(const char *word, const char *already);

/* For commands without any. */
void take_none(char **words);

/* The value after an option that is a time, in milliseconds. */
unsigned int take_seconds(const char *option, const char *value);

/* What stands above the backends of a group, and above those that have none. */
void group_title(const struct group *group, char *text, size_t size);

#define TITLE_SIZE	512
#define UNUSED_TITLE	"In no pool and no rule"

void print_json(FILE *out, const struct snapshot *snapshot);

#endif /* CTL_COMMAND_H */
