// SPDX-License-Identifier: GPL-2.0-only
/* leastconnctl: show and change pools, backends and their states. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

/* Set by the Makefile from ../VERSION. */
#ifndef LEASTCONN_VERSION
#define LEASTCONN_VERSION	"of no version"
#endif

/**
 * struct command - a command
 * @name: its name, the first word
 * @run: called with the words after the name; run_modify() with the name as well
 * @usage: its arguments
 * @help: what it does
 */
static const struct command {
	const char	*name;
	enum status	(*run)(char **words);
	const char	*usage;
	const char	*help;
} commands[] = {
	{ "list", run_list, "[POOL] [--json] [-n]",
	  "pools and rules, their backends and connections" },
	{ "watch", run_watch, "[POOL] [--interval SEC]",
	  "the same, live, as bars; q leaves" },
	{ "monitor", run_monitor, "", "a line for each event, as it comes" },
	{ "pool", run_modify, "add|set|del NAME [SETTING...]",
	  "a new pool; other settings for one; one pool less" },
	{ "add", run_modify,
	  "POOL ADDR[:PORT] [proto P] [weight N] [max-conns N] [backup] [state S]",
	  "a new backend for a pool" },
	{ "set", run_modify,
	  "POOL ADDR[:PORT] [proto P] [weight N] [max-conns N] [backup|no-backup] [state S]",
	  "change what is given of a backend in a pool" },
	{ "del", run_modify, "POOL ADDR[:PORT] [proto P] [--kill]",
	  "take a backend out of a pool; --kill: end its connections" },
	{ "drain", run_modify, "ADDR[:PORT] [proto P]",
	  "no new connections, in all pools and rules; those it has go on" },
	{ "down", run_modify, "ADDR[:PORT] [proto P]",
	  "the same, and connections it has not answered are ended" },
	{ "ready", run_modify, "ADDR[:PORT] [proto P]",
	  "new connections again" },
	{ "kill", run_modify, "ADDR[:PORT] [proto P]",
	  "delete its conntrack entries, so that clients move at once" },
	{ "wait", run_wait, "ADDR[:PORT] [proto P] [--timeout SEC]",
	  "return when a drained backend has no live connection" },
	{ "save", run_save, "", "the pools, as commands" },
	{ "restore", run_restore, "[FILE]",
	  "carry out such commands, all or none; from stdin without FILE" },
	{ "metrics", run_metrics, "", "for Prometheus, in its text format" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	unsigned int i;

	fputs("Usage: " PROGRAM " COMMAND ...\n\n", out);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %s%s%s\n\t\t%s\n", commands[i].name,
			*commands[i].usage ? " " : "", commands[i].usage,
			commands[i].help);
	fputs("\n"
"ADDR[:PORT] is a backend: 10.0.0.1:80, [fd00::1]:80, or an address alone.\n"
"P is tcp, udp, sctp, dccp or udplite; S is ready, drain or down.\n"
"SETTING is max-fails N, fail-timeout SEC, slow-start SEC, persistent SEC,\n"
"persistent-mask LEN, redispatch or no-redispatch.\n"
"Without a port, drain, down, ready, kill and wait mean every backend there.\n"
"Exit status: 0 done, 1 refused by the kernel, 2 usage.  Manual: man " PROGRAM "\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	unsigned int i;

	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	die_usage("there is no command \"%s\"; " PROGRAM " help shows them", name);
}

/* A command that cannot write its output has failed. */
static enum status flush_output(enum status status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		die("writing: %s", strerror(errno));
	return status;
}

static bool is_one_of(const char *word, const char *a, const char *b,
		      const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 ||
	       strcmp(word, c) == 0;
}

static enum status run(char **words)
{
	const struct command *command;

	if (!words[0]) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (is_one_of(words[0], "help", "--help", "-h")) {
		print_help(stdout);
		return STATUS_OK;
	}
	if (is_one_of(words[0], "version", "--version", "-V")) {
		puts(PROGRAM " " LEASTCONN_VERSION);
		return STATUS_OK;
	}
	command = find_command(words[0]);
	if (words[1] && is_one_of(words[1], "help", "--help", "-h")) {
		printf("Usage: " PROGRAM " %s %s\n%s\n", command->name,
		       command->usage, command->help);
		return STATUS_OK;
	}
	return command->run(words + (command->run != run_modify));
}

int main(int argc, char **argv)
{
	return flush_output(run(argv + (argc > 0)));
}
