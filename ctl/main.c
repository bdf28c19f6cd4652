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
	  "list pools and rules with their backends" },
	{ "watch", run_watch, "[POOL] [--interval SEC]",
	  "show live connections as bars, updated every second; q quits" },
	{ "monitor", run_monitor, "", "print events, one per line" },
	{ "pool", run_modify, "add|set|del NAME [SETTING...]",
	  "create, modify or delete a pool" },
	{ "add", run_modify,
	  "POOL ADDR[:PORT] [proto P] [weight N] [max-conns N] [backup] [state S]",
	  "add a backend to a pool" },
	{ "set", run_modify,
	  "POOL ADDR[:PORT] [proto P] [weight N] [max-conns N] [backup|no-backup] [state S]",
	  "modify a backend of a pool; what is not given stays" },
	{ "del", run_modify, "POOL ADDR[:PORT] [proto P] [--kill]",
	  "delete a backend from a pool; --kill: end its connections" },
	{ "drain", run_modify, "ADDR[:PORT] [proto P]",
	  "stop new connections in all pools and rules; existing ones continue" },
	{ "down", run_modify, "ADDR[:PORT] [proto P]",
	  "drain, and end connections that the backend has not answered" },
	{ "ready", run_modify, "ADDR[:PORT] [proto P]",
	  "allow new connections again; ends its ejections" },
	{ "eject", run_modify, "ADDR[:PORT] [proto P] [for SEC]",
	  "eject a backend from all pools and rules for a time" },
	{ "kill", run_modify, "ADDR[:PORT] [proto P]",
	  "delete its conntrack entries, which ends its connections" },
	{ "wait", run_wait, "ADDR[:PORT] [proto P] [--timeout SEC]",
	  "wait until a drained backend has no live connections" },
	{ "save", run_save, "", "print pools and states as commands for restore" },
	{ "restore", run_restore, "[FILE]",
	  "apply the commands of FILE or standard input, all or none" },
	{ "clients", run_clients, "[POOL] [--json] | flush [POOL | CLIENT]",
	  "list or forget the clients that keep their backend (persistent)" },
	{ "metrics", run_metrics, "", "print metrics in the text format of Prometheus" },
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
"ADDR[:PORT] is a backend: 10.0.0.1:80, [fd00::1]:80, or an address only.\n"
"P is tcp, udp, sctp, dccp or udplite; S is ready, drain or down.\n"
"CLIENT is an address or a prefix: 192.0.2.1, 192.0.2.0/24, 2001:db8::/64.\n"
"SETTING is max-fails N (0: never; default: 3 for TCP ports, 0 for others),\n"
"fail-timeout SEC (10), slow-start SEC (0), persistent SEC (0: off),\n"
"persistent-mask LEN (128), redispatch or no-redispatch (the default).\n"
"max-fails default goes back to the default.\n"
"Without a port, drain, down, ready, eject, kill and wait apply to all backends of\n"
"the address. In a pool 10.0.0.1 is another backend than 10.0.0.1:80.\n"
"Exit status: 0 success, 1 error, 2 usage error.  Manual: man " PROGRAM "\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	unsigned int i;

	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	die_usage("unknown command \"%s\"; see \"" PROGRAM " help\"", name);
}

/* A command that cannot write its output has failed. */
static enum status flush_output(enum status status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		die("cannot write the output: %s", strerror(errno));
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
