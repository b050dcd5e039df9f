/* SPDX-License-Identifier: GPL-2.0-only */
/* The few types that the probes need in tests/build/vendor, and the shape of the vendor. */
#ifndef VENDOR_TYPES_H
#define VENDOR_TYPES_H

#include <shape.h>

typedef _Bool bool;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef unsigned long size_t;
typedef long ssize_t;
typedef long long loff_t;
typedef u64 dma_addr_t;
typedef u64 phys_addr_t;
typedef unsigned int gfp_t;

#define NULL		((void *)0)
#define ENODEV		19
#define GFP_KERNEL	0xcc0U
#define IOMMU_READ	1

struct list_head {
	struct list_head *next, *prev;
};

/*
 * Distributions that keep the layout of structures for years hide new and removed members from
 * genksyms, which compares symbols, by macros of their own.
 */
#ifdef __GENKSYMS__
#define KABI_REPLACE(old, new)	old
#define KABI_EXTEND(new)
#define KABI_USE(n, new)	unsigned long kabi_reserved##n
#else
#define KABI_REPLACE(old, new)	union { new; struct { old; } kabi_hidden; }
#define KABI_EXTEND(new)	new
#define KABI_USE(n, new)	union { new; unsigned long kabi_reserved##n; }
#endif
#define KABI_RESERVE(n)		unsigned long kabi_reserved##n

#endif /* VENDOR_TYPES_H */
