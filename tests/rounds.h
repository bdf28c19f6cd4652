/* SPDX-License-Identifier: GPL-2.0-only */
/* Many rounds of a fuzzer: where it is, and how fast. */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

/* A line for the kernel's log: if the kernel dies, it says in which round. */
__attribute__((format(printf, 1, 2)))
void rounds_announce(const char *format, ...);

/* The clock runs from here on. */
void rounds_start(void);
unsigned long rounds_per_second(unsigned long rounds);

#endif /* TESTS_ROUNDS_H */
