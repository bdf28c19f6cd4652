/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_ARRAY_H
#define TESTS_ARRAY_H

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#endif /* TESTS_ARRAY_H */
