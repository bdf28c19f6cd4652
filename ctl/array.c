// SPDX-License-Identifier: GPL-2.0-only
/* Arrays that grow. */
#include <stdlib.h>

#include "array.h"
#include "message.h"

void *array_grow(void *array, size_t *room, size_t count, size_t size)
{
	size_t wanted;

	if (count < *room)
		return array;
	wanted = *room ? *room * 2 : 8;
	array = reallocarray(array, wanted, size);
	if (!array)
		die("out of memory");
	*room = wanted;
	return array;
}
