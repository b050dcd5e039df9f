/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds firmware tables byte by byte. */
#ifndef TABLE_H
#define TABLE_H

#include "unit.h"

struct table {
	u8 b[8192];
	size_t n;
};

static inline void put8(struct table *t, unsigned int v)
{
	assert_true(t->n < sizeof(t->b));
	t->b[t->n++] = (u8)v;
}

static inline void put16(struct table *t, unsigned int v)
{
	put8(t, v & 0xff);
	put8(t, v >> 8 & 0xff);
}

static inline void put32(struct table *t, u32 v)
{
	put16(t, v & 0xffff);
	put16(t, v >> 16);
}

static inline void put64(struct table *t, u64 v)
{
	put32(t, (u32)v);
	put32(t, (u32)(v >> 32));
}

static inline void put_be32(struct table *t, u32 v)
{
	put8(t, v >> 24);
	put8(t, v >> 16 & 0xff);
	put8(t, v >> 8 & 0xff);
	put8(t, v & 0xff);
}

static inline void put_zero(struct table *t, unsigned int n)
{
	while (n--)
		put8(t, 0);
}

static inline void set16(struct table *t, size_t at, unsigned int v)
{
	assert_true(at + 2 <= t->n);
	t->b[at] = (u8)(v & 0xff);
	t->b[at + 1] = (u8)(v >> 8);
}

static inline void set32(struct table *t, size_t at, u32 v)
{
	set16(t, at, v & 0xffff);
	set16(t, at + 2, v >> 16);
}

static inline void put_acpi(struct table *t, const char *signature,
			    unsigned int revision)
{
	unsigned int i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < 4; i++)
		put8(t, (u8)signature[i]);
	put32(t, 0);
	put8(t, revision);
	put_zero(t, 27);
}

/* The table is complete: write its length. */
static inline void table_close(struct table *t)
{
	set32(t, 4, (u32)t->n);
}

/*
 * Give the first @len bytes to @parse in memory that ends right behind them,
 * so that the sanitizer sees each byte that is read too far.
 */
static inline int table_parse(const u8 *b, size_t len,
			      int (*parse)(const u8 *b, size_t len))
{
	u8 *copy = malloc(len ? len : 1);
	int ret;

	assert_non_null(copy);
	if (len)
		memcpy(copy, b, len);
	unit_log_clear();
	ret = parse(len ? copy : copy + 1, len);
	free(copy);
	return ret;
}

/*
 * Parse every prefix of a table, and every table with one byte changed. @parse
 * checks the facts; this function checks that the parser returns, with one of
 * its two values, and reads nothing outside of the table.
 */
static inline void table_abuse(const struct table *t,
			       int (*parse)(const u8 *b, size_t len))
{
	static const u8 values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct table bad;
	unsigned int v;
	size_t i;
	int ret;

	for (i = 0; i <= t->n; i++) {
		ret = table_parse(t->b, i, parse);
		assert_true(ret == 0 || ret == -EBADMSG);
	}
	for (i = 0; i < t->n; i++) {
		for (v = 0; v < ARRAY_SIZE(values); v++) {
			bad = *t;
			bad.b[i] = values[v];
			ret = table_parse(bad.b, bad.n, parse);
			assert_true(ret == 0 || ret == -EBADMSG);
		}
	}
}

#endif /* TABLE_H */
