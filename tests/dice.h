/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that a seed repeats, on every machine and with every C library.
 * Each thread has its own.
 */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"

/* Seed and round decide alone which numbers follow. */
void dice_seed(uint64_t seed, uint64_t round);

/* Any of 64 bits. */
uint64_t dice_number(void);

/* From 0 to @sides - 1. */
unsigned int dice(unsigned int sides);

#define one_of(array)	((array)[dice(ARRAY_SIZE(array))])

/* Flip a bit of the byte, or replace the byte. */
void dice_mutate(unsigned char *byte);

/*
 * Replace up to five bytes, often with small numbers, and sometimes cut the end
 * off. Return: the size that is left.
 */
size_t dice_damage(void *bytes, size_t size);

#endif /* TESTS_DICE_H */
