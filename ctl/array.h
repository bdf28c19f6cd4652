/* SPDX-License-Identifier: GPL-2.0-only */
/* Arrays that grow. */
#ifndef CTL_ARRAY_H
#define CTL_ARRAY_H

#include <stddef.h>

/*
 * Make room for one more than @count elements of @size bytes. @room is the number
 * of elements allocated. Return: the array, which may have moved.
 */
void *array_grow(void *array, size_t *room, size_t count, size_t size);

#endif /* CTL_ARRAY_H */
