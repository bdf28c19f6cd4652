/* SPDX-License-Identifier: GPL-2.0-only */
/* The netlink socket: requests, answers and events. */
#ifndef CTL_NL_H
#define CTL_NL_H

#include <stdbool.h>
#include <stdint.h>

struct nl;
struct nlmsghdr;
struct request;

/**
 * struct nl_error - an error from the kernel
 * @code: errno; 0: no error
 * @offset: offset in the request of the attribute in error; 0: unknown
 * @text: the kernel's message; empty if it sent none
 */
struct nl_error {
	int		code;
	uint32_t	offset;
	char		text[256];
};

/* The kernel's message, or the text of the errno. */
const char *nl_error_text(const struct nl_error *error);

/* Called for each message of an answer. */
typedef void (*nl_reader)(const struct nlmsghdr *nlh, void *data);

/* Ends the program with an error if the kernel module is not loaded. */
struct nl *nl_open(void);
void nl_close(struct nl *nl);

/* Send a request and read the answer. Return: false on error, see @error. */
bool nl_transact(struct nl *nl, struct request *request, nl_reader reader,
		 void *data, struct nl_error *error);

/*
 * The same for a dump. NL_DUMP_INTERRUPTED: something changed while the kernel
 * dumped; what was read is inconsistent and must be discarded.
 */
enum nl_dump_result {
	NL_DUMP_OK,
	NL_DUMP_ERROR,
	NL_DUMP_INTERRUPTED,
};

enum nl_dump_result nl_dump(struct nl *nl, struct request *request,
			    nl_reader reader, void *data,
			    struct nl_error *error);

/* Subscribe to events. */
void nl_subscribe(struct nl *nl);

/* Wait for events and read them. Return: false if events were lost. */
bool nl_read_events(struct nl *nl, nl_reader reader, void *data);

#endif /* CTL_NL_H */
