// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command restore: apply all commands of a file, or none. They are sent in one
 * request. The kernel reports the offset of the change in error in the request, from
 * which the line is found.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "command.h"
#include "killed.h"
#include "nl.h"
#include "parse.h"
#include "request.h"

#define BLANKS		" \t\r\n"
#define MAX_WORDS	32

/**
 * struct script_line - a line with a command
 * @number: its number in the file, from 1
 * @end: offset of the end of its change in the request
 * @text: the line, for messages
 */
struct script_line {
	unsigned int	number;
	size_t		end;
	char		*text;
};

/**
 * struct script - a file of commands
 * @name: its name, for messages
 * @lines: array of the lines with a command
 * @count: lines in the array
 * @room: lines allocated
 * @request: the request with all changes
 */
struct script {
	const char	*name;
	struct script_line	*lines;
	size_t		count;
	size_t		room;
	struct request	request;
};

/* Split a line into words, without its comment. Return: false if too many. */
static bool split_words(char *text, char **words)
{
	size_t count = 0;
	char *word, *rest;

	for (word = strtok_r(text, BLANKS, &rest); word && *word != '#';
	     word = strtok_r(NULL, BLANKS, &rest)) {
		if (count == MAX_WORDS)
			return false;
		words[count++] = word;
	}
	words[count] = NULL;
	return true;
}

static void trim(char *text)
{
	size_t length = strlen(text);

	while (length && strchr(BLANKS, text[length - 1]))
		text[--length] = '\0';
}

/*
 * gcc's analyzer does not track pointers in memory from array_grow() and reports
 * line.text as leaked. clang does not know the option.
 */
#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif
static void script_add_line(struct script *script, unsigned int number,
			    const char *text)
{
	struct script_line line = {
		.number	= number,
		.end	= request_length(&script->request),
		.text	= strdup(text),
	};

	if (!line.text)
		die("out of memory");
	trim(line.text);
	script->lines = array_grow(script->lines, &script->room, script->count,
				   sizeof(*script->lines));
	script->lines[script->count++] = line;
}
#ifndef __clang__
#pragma GCC diagnostic pop
#endif

static void script_read_line(struct script *script, unsigned int number,
			     char *text)
{
	char *words[MAX_WORDS + 1];
	struct change change;
	struct parse_error error;
	char *copy = strdup(text);

	if (!copy)
		die("out of memory");
	if (!split_words(copy, words))
		die_usage("%s:%u: more than %d words in a line", script->name, number,
			  MAX_WORDS);
	if (words[0]) {
		if (!parse_change(words, &change, &error))
			die_usage("%s:%u: %s", script->name, number, error.text);
		/* A rule that is loaded later may add the backend. */
		if (change.op == LEASTCONN_OP_STATE &&
		    change.backend.state != LEASTCONN_STATE_READY)
			change.given |= GIVEN_AHEAD;
		request_add_change(&script->request, &change);
		script_add_line(script, number, text + strspn(text, BLANKS));
	}
	free(copy);
}

static void script_read(struct script *script, FILE *file)
{
	unsigned int number = 0;
	char *text = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&text, &size, file)) >= 0) {
		number++;
		if (strlen(text) != (size_t)length)
			die_usage("%s:%u: the line contains a zero byte", script->name, number);
		script_read_line(script, number, text);
		if (number % 1024 == 0)
			progress("%s: %u lines", script->name, number);
	}
	if (ferror(file))
		die("%s: %s", script->name, strerror(errno));
	free(text);
}

/* The line whose change contains the offset; NULL if there is none. */
static const struct script_line *script_find_line(const struct script *script,
						  size_t offset)
{
	size_t i;

	for (i = 0; offset && i < script->count; i++) {
		if (offset < script->lines[i].end)
			return &script->lines[i];
	}
	return NULL;
}

static void script_send(struct script *script)
{
	struct killed killed = { 0 };
	struct nl_error error;
	const struct script_line *line;
	struct nl *nl = nl_open();

	progress("%s: %zu changes", script->name, script->count);
	if (!nl_transact(nl, &script->request, killed_read, &killed, &error)) {
		line = script_find_line(script, error.offset);
		if (!line)
			die("%s: %s", script->name, nl_error_text(&error));
		die("%s:%u: %s: %s", script->name, line->number, line->text,
		    nl_error_text(&error));
	}
	progress_end();
	nl_close(nl);
	killed_print(&killed);
}

static void script_free(struct script *script)
{
	size_t i;

	for (i = 0; i < script->count; i++)
		free(script->lines[i].text);
	free(script->lines);
	request_free(&script->request);
}

static FILE *script_open(struct script *script, const char *name)
{
	FILE *file;

	if (!name || strcmp(name, "-") == 0) {
		script->name = "stdin";
		if (isatty(STDIN_FILENO))
			fputs("Enter commands, one per line. Ctrl-D applies all of them, Ctrl-C discards them.\n",
			      stderr);
		return stdin;
	}
	script->name = name;
	file = fopen(name, "re");
	if (!file)
		die("%s: %s", name, strerror(errno));
	return file;
}

/* restore [FILE] */
enum status run_restore(char **words)
{
	struct script script = { 0 };
	FILE *file;

	if (words[0] && words[1])
		die_usage("unexpected \"%s\"; restore reads one file", words[1]);
	file = script_open(&script, words[0]);
	request_init(&script.request, LEASTCONN_CMD_CHANGE);
	script_read(&script, file);
	if (file != stdin)
		fclose(file);
	if (script.count)
		script_send(&script);
	script_free(&script);
	return STATUS_OK;
}
