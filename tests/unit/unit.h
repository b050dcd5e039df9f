/* SPDX-License-Identifier: GPL-2.0-only */
/* Common parts of the unit tests: cmocka, and a log that tests compare. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base.h"

/*
 * Parsers report by callbacks. The callbacks write one line for each fact, and
 * a test compares the whole text: so the test can be read, and it notices an
 * additional fact.
 */
static char unit_log[1 << 19];
static size_t unit_log_len;

static inline void unit_log_clear(void)
{
	unit_log_len = 0;
	unit_log[0] = 0;
}

static inline void __attribute__((format(printf, 1, 2)))
unit_log_add(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(unit_log + unit_log_len, sizeof(unit_log) - unit_log_len,
		      fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	assert_true((size_t)n < sizeof(unit_log) - unit_log_len);
	unit_log_len += (size_t)n;
}

/* For tests/fuzz/facts.h, which writes a line for each fact of a parser. */
#define FACT unit_log_add
#define HOLDS(cond) assert_true(cond)

#endif /* UNIT_H */
