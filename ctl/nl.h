/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket: a request to the kernel, and what comes back. */
#ifndef CTL_NL_H
#define CTL_NL_H

#include <stdbool.h>
#include <stdint.h>

struct nl;
struct nlmsghdr;
struct request;

/**
 * struct nl_error - what the kernel did not like
 * @code: errno
 * @offset: in the request, of what it was about; 0: not said
 * @text: the kernel's own sentence; empty: it has none
 */
struct nl_error {
	int		code;
	uint32_t	offset;
	char		text[256];
};

/* As a sentence, also where the kernel has none. */
const char *nl_error_text(const struct nl_error *error);

/* For each message of an answer. */
typedef void (*nl_reader)(const struct nlmsghdr *nlh, void *data);

/* Ends the program with a sentence if the family is not there. */
struct nl *nl_open(void);
void nl_close(struct nl *nl);

/* Return: false if the kernel refused. */
bool nl_transact(struct nl *nl, struct request *request, nl_reader reader,
		 void *data, struct nl_error *error);

/*
 * The same for a dump. It was interrupted by a change meanwhile: %NL_DUMP_INTERRUPTED, and what
 * was read is to be forgotten.
 */
enum nl_dump_result {
	NL_DUMP_OK,
	NL_DUMP_ERROR,
	NL_DUMP_INTERRUPTED,
};

enum nl_dump_result nl_dump(struct nl *nl, struct request *request,
			    nl_reader reader, void *data,
			    struct nl_error *error);

void nl_join_events(struct nl *nl);

/* Waits for events. Return: false if some were lost. */
bool nl_read_events(struct nl *nl, nl_reader reader, void *data);

#endif /* CTL_NL_H */
