/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands. Calls and includes go down only:
 *
 *	main
 *	list, watch, monitor, wait, save, restore, metrics, modify, clients
 *	args, json, killed, screen
 *	snapshot
 *	attr, dump, parse
 *	nl
 *	request
 *	change, client, group
 *	array, settings
 *	backend, clock, colour, message
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "message.h"

/* Each is given the words after the command's name; the last one is NULL. */
enum status run_list(char **words);
enum status run_watch(char **words);
enum status run_monitor(char **words);
enum status run_wait(char **words);
enum status run_save(char **words);
enum status run_restore(char **words);
enum status run_metrics(char **words);
enum status run_clients(char **words);

/* Of run_modify() the first word is the command's name. */
enum status run_modify(char **words);

#endif /* CTL_COMMAND_H */
