/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ALLOC_H
#define ALLOC_H

#include "unit.h"

/*
 * The linker sends the allocations of the code under test here, so that each
 * of them can be made to fail.
 */
static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool allocation_fails(void)
{
	if (!allocations_left)
		return true;
	if (allocations_left > 0)
		allocations_left--;
	return false;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(p, size);
}

#endif /* ALLOC_H */
