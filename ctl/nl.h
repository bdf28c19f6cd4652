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
 * struct nl_refusal - what the kernel did not like
 * @error: errno
 * @offset: in the request, of what it was about; 0: not said
 * @text: the kernel's own sentence; empty: it has none
 */
struct nl_refusal {
	int		error;
	uint32_t	offset;
	char		text[256];
};

/* As a sentence, also where the kernel has none. */
const char *nl_sentence(const struct nl_refusal *refusal);

/* For each message of an answer. */
typedef void (*nl_reader)(const struct nlmsghdr *nlh, void *data);

/* Ends the program with a sentence if the family is not there. */
struct nl *nl_open(void);
void nl_close(struct nl *nl);

/* Return: false if the kernel refused. */
bool nl_transact(struct nl *nl, struct request *request, nl_reader reader,
		 void *data, struct nl_refusal *refusal);

/*
 * The same for a dump. It was torn by a change meanwhile: %NL_TORN, and what
 * was read is to be forgotten.
 */
enum nl_dump_result {
	NL_DUMPED,
	NL_DUMP_REFUSED,
	NL_TORN,
};

enum nl_dump_result nl_dump(struct nl *nl, struct request *request,
			    nl_reader reader, void *data,
			    struct nl_refusal *refusal);

void nl_join_events(struct nl *nl);

/* Waits for events. Return: false if some were lost. */
bool nl_read_events(struct nl *nl, nl_reader reader, void *data);

#endif /* CTL_NL_H */
