/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Only this header knows whether the model and the parsers are built for the
 * kernel or for user space. They include this header and each other, nothing
 * else, so that the code under test is the code that is loaded.
 */
#ifndef RESV_MODEL_BASE_H
#define RESV_MODEL_BASE_H

#ifdef __KERNEL__

#include <linux/ctype.h>
#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

/*
 * Sizes come from firmware tables. An absurd table must cause -ENOMEM, not a
 * warning of the page allocator.
 */
static inline void *resv_alloc(size_t size)
{
	return kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
}

static inline void *resv_realloc(void *p, size_t size)
{
	return krealloc(p, size, GFP_KERNEL | __GFP_NOWARN);
}

static inline void resv_free(void *p)
{
	kfree(p);
}

#else /* !__KERNEL__ */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#ifndef ULLONG_MAX
#define ULLONG_MAX	(~0ULL)
#endif
#define BIT(nr)		(1UL << (nr))
#define BIT_ULL(nr)	(1ULL << (nr))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); \
		     (void)(&_a == &_b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); \
		     (void)(&_a == &_b); _a > _b ? _a : _b; })

static inline void *resv_alloc(size_t size)
{
	return malloc(size);
}

static inline void *resv_realloc(void *p, size_t size)
{
	return realloc(p, size);
}

static inline void resv_free(void *p)
{
	free(p);
}

#endif /* __KERNEL__ */

/**
 * resv_capacity() - compute the new capacity of an array
 * @cap: current capacity
 * @need: number of entries that the array has to hold
 * @entry_size: bytes of an entry
 *
 * Context: any.
 * Return: number of entries, or 0 if no array can hold so many
 */
static inline unsigned int resv_capacity(unsigned int cap, unsigned int need,
					 size_t entry_size)
{
	if (!cap)
		cap = 4;
	while (cap < need) {
		if (cap > UINT_MAX / 2)
			return 0;
		cap *= 2;
	}
	if (cap > ULONG_MAX / entry_size)
		return 0;
	return cap;
}

/*
 * Byte readers for firmware tables. Fields of ACPI tables are little endian
 * and unaligned, cells of a device tree are big endian. Reading single bytes
 * avoids a header that moved (asm/unaligned.h became linux/unaligned.h in
 * 6.12), and packed structures that could reach beyond the table. The caller
 * has checked that the bytes are there.
 */
static inline u16 resv_le16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static inline u32 resv_le32(const u8 *p)
{
	return (u32)resv_le16(p) | (u32)resv_le16(p + 2) << 16;
}

static inline u64 resv_le64(const u8 *p)
{
	return (u64)resv_le32(p) | (u64)resv_le32(p + 4) << 32;
}

static inline u32 resv_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/**
 * struct resv_parse_err - faults that a parser found in a table
 * @what: the first fault in a few words, NULL if there was none
 * @offset: byte offset of the faulty structure from the start of the table
 * @count: number of faults
 *
 * Every parser clears it on entry. The caller can report it in one line of the
 * log: the first fault with its offset, and the number of faults.
 */
struct resv_parse_err {
	const char *what;
	size_t offset;
	unsigned int count;
};

static inline void resv_parse_fault(struct resv_parse_err *err,
				    const char *what, size_t offset)
{
	if (!err->count) {
		err->what = what;
		err->offset = offset;
	}
	if (err->count < UINT_MAX)
		err->count++;
}

/* Header that all ACPI tables share (ACPI specification, section 5.2.6). */
#define RESV_ACPI_HEADER	36

/**
 * resv_acpi_length() - find how much of an ACPI table may be read
 * @t: the table
 * @len: bytes that are there
 * @signature: four letters
 * @fixed: size of the fixed part, at least RESV_ACPI_HEADER
 * @err: records faults
 *
 * This does not check the checksum: if it is wrong, ACPICA has warned already,
 * and the kernel uses the table nevertheless.
 *
 * Return: the length, or 0 if this is not such a table. If the table claims to
 * be longer than @len, that is a fault, and the length is @len.
 */
static inline size_t resv_acpi_length(const u8 *t, size_t len,
				      const char *signature, size_t fixed,
				      struct resv_parse_err *err)
{
	u32 told;

	if (len < RESV_ACPI_HEADER || memcmp(t, signature, 4)) {
		resv_parse_fault(err, "no such table", 0);
		return 0;
	}
	told = resv_le32(t + 4);
	if (told > len)
		resv_parse_fault(err, "table is truncated", 4);
	else
		len = told;
	if (len < fixed) {
		resv_parse_fault(err, "table is too short", 4);
		return 0;
	}
	return len;
}

#endif /* RESV_MODEL_BASE_H */
