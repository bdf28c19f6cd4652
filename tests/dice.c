// SPDX-License-Identifier: GPL-2.0-only
#include "dice.h"

static _Thread_local uint64_t state;

/* splitmix64 */
uint64_t dice_number(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void dice_seed(uint64_t seed, uint64_t round)
{
	state = seed;
	state = dice_number() ^ round;
	state = dice_number();
}

unsigned int dice(unsigned int sides)
{
	return (dice_number() >> 32) % sides;
}

void dice_mutate(unsigned char *byte)
{
	if (dice(2))
		*byte ^= 1 << dice(8);
	else
		*byte = dice_number();
}

size_t dice_damage(void *bytes, size_t size)
{
	unsigned char *byte = bytes;

	for (unsigned int i = dice(6); i && size; i--)
		byte[dice(size)] = dice(2) ? dice(40) : dice_number();
	return size && !dice(8) ? dice(size) : size;
}
