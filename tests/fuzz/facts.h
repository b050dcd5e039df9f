/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a parser and checks conditions that hold for every table, valid or not:
 * the facts are valid and point into the table, and the return value agrees
 * with the faults. The unit tests and the fuzz targets share this; before they
 * include it, they define
 *
 * FACT(fmt, ...): write one line about a fact, which the unit tests compare
 * HOLDS(cond): fail if the condition is false
 */
#ifndef FACTS_H
#define FACTS_H

#include "model/base.h"

static const u8 *facts_table;
static size_t facts_len;
static size_t facts_last;

static inline void facts_begin(const u8 *table, size_t len)
{
	facts_table = table;
	facts_len = len;
	facts_last = 0;
}

/* @bytes at @p are inside the table. */
static inline void facts_inside(const void *p, size_t bytes)
{
	const u8 *q = p;

	HOLDS(q >= facts_table);
	HOLDS(q <= facts_table + facts_len);
	HOLDS(bytes <= (size_t)(facts_table + facts_len - q));
}

/* Structures come in the order of the table and are inside of it. */
static inline void facts_offset(size_t offset, size_t bytes)
{
	HOLDS(offset > facts_last);
	facts_last = offset;
	HOLDS(offset <= facts_len);
	HOLDS(bytes <= facts_len - offset);
}

static inline void facts_end(int ret, const struct resv_parse_err *err)
{
	HOLDS(ret == 0 || ret == -EBADMSG);
	HOLDS(!ret == !err->count);
	HOLDS(!ret == !err->what);
	HOLDS(err->offset <= facts_len);
	if (ret)
		FACT("%u faults, first at %zu: %s\n", err->count, err->offset,
		     err->what);
}

#endif /* FACTS_H */
