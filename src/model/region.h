/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: sets of reserved regions and sets of address ranges.
 *
 * All ends are inclusive and the whole 64-bit range is legal, so nothing here
 * uses a length (it could not hold 2^64), or end + 1 without a check.
 * These functions take no locks; those that allocate may sleep.
 */
#ifndef RESV_MODEL_REGION_H
#define RESV_MODEL_REGION_H

#include "model/base.h"
#include "model/range.h"

/*
 * The first five types are those of enum iommu_resv_type, in the order of
 * kernel 5.3 and later: the kernel sorts by that value, so the order is part
 * of the merge rule. Older kernels have other values (DIRECT_RELAXABLE is
 * missing before 5.3), so always translate by name, never by number.
 */
enum resv_type {
	RESV_DIRECT,
	RESV_DIRECT_RELAXABLE,
	RESV_RESERVED,
	RESV_MSI,
	RESV_SW_MSI,
	RESV_OUT_OF_RANGE,
	RESV_PCI_WINDOW,
	RESV_NR_TYPES
};

enum resv_origin {
	RESV_ORIGIN_KERNEL,
	RESV_ORIGIN_RMRR,
	RESV_ORIGIN_IVMD,
	RESV_ORIGIN_RMR,
	RESV_ORIGIN_DT,
	RESV_ORIGIN_APIC,
	RESV_ORIGIN_HT,
	RESV_ORIGIN_BRIDGE,
	RESV_ORIGIN_APERTURE,
	RESV_ORIGIN_ADMIN,
	RESV_ORIGIN_WINDOW,
	RESV_NR_ORIGINS
};

#define RESV_F_ADDED	1	/* this module reports it; else the kernel does */
#define RESV_F_ENFORCED	2	/* maps there are refused; else advice */
#define RESV_F_LISTED	4	/* this module put it on the group's list */
#define RESV_F_EXCUSED	8	/* on the kernel's list, but maps there are not refused */
#define RESV_F_FREE	16	/* the kernel reserves it, but the hardware does not need it */

/* Typemasks: one bit for each type. */
#define RESV_TYPE(t)	((u32)1 << (t))
#define RESV_ALL_TYPES	(RESV_TYPE(RESV_NR_TYPES) - 1)
/* The types which the kernel itself knows, shown in its reserved_regions. */
#define RESV_KERNEL_TYPES	(RESV_TYPE(RESV_SW_MSI + 1) - 1)

const char *resv_type_name(enum resv_type type);
const char *resv_origin_name(enum resv_origin origin);

/**
 * struct resv_region - one fact: these addresses are taken
 * @start: first address
 * @end: last address, inclusive
 * @name: the caller's number of the device that causes it, 0 for the whole
 *	group; the model only compares it
 * @type: enum resv_type
 * @origin: enum resv_origin
 * @flags: RESV_F_*
 */
struct resv_region {
	u64 start;
	u64 end;
	u32 name;
	u8 type;
	u8 origin;
	u8 flags;
};

/**
 * struct resv_set - regions in the order of their start addresses
 * @r: the regions
 * @reach: reach[i] is the highest end in r[0..i]; it makes overlap lookups
 *	logarithmic although regions of a set may nest
 * @nr: number of regions
 * @cap: number of regions that fit without another allocation
 * @merged: filled by resv_set_merge(), else by resv_set_add(); the two sort
 *	regions with equal starts differently, so a set must not mix them
 *
 * Readers may walk @r[0..@nr-1]; only the functions below change a set.
 */
struct resv_set {
	struct resv_region *r;
	u64 *reach;
	unsigned int nr;
	unsigned int cap;
	bool merged;
};

void resv_set_init(struct resv_set *set);
void resv_set_free(struct resv_set *set);
int resv_set_add(struct resv_set *set, const struct resv_region *region);
int resv_set_copy(struct resv_set *dst, const struct resv_set *src);
bool resv_set_equal(const struct resv_set *a, const struct resv_set *b);
int resv_set_merge_one(struct resv_set *dst, const struct resv_region *region);
int resv_set_merge(struct resv_set *dst, const struct resv_set *src,
		   u32 typemask);
const struct resv_region *resv_set_first_overlap(const struct resv_set *set,
						 u64 start, u64 end,
						 u32 typemask);
unsigned int resv_set_first_reaching(const struct resv_set *set, u64 addr);
int resv_set_each_conflict(const struct resv_set *set,
			   int (*fn)(void *ctx, const struct resv_region *a,
				     const struct resv_region *b),
			   void *ctx);

#endif /* RESV_MODEL_REGION_H */
