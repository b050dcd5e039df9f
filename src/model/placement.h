/* SPDX-License-Identifier: GPL-2.0-only */
/* Placement of a window (of MSI doorbells) in the free ranges of a group. */
#ifndef RESV_MODEL_PLACEMENT_H
#define RESV_MODEL_PLACEMENT_H

#include "model/region.h"

/*
 * Means "no preference": this address cannot be a real base, because at most
 * one byte fits there.
 */
#define RESV_WINDOW_NO_PREFER	ULLONG_MAX

/**
 * struct resv_window_req - request for a window
 * @size: size in bytes, at least 1
 * @align: alignment of the base, a power of two
 * @limit: highest address the window may touch, inclusive, e.g. 4G - 1 for
 *	devices with 32-bit MSI
 * @avoid: ranges the window must not touch although they are free, e.g.
 *	guest memory; in any order, overlaps allowed
 * @nr_avoid: number of @avoid
 * @prefer: base to use if it fits, or RESV_WINDOW_NO_PREFER
 */
struct resv_window_req {
	u64 size;
	u64 align;
	u64 limit;
	const struct resv_range *avoid;
	unsigned int nr_avoid;
	u64 prefer;
};

/**
 * struct resv_window_plan - bounds of the MSI window of a group
 * @regions: regions of the group; those of its own window (sw-msi) and those
 *	outside of the aperture (out-of-range) are ignored
 * @bridges: windows of the bridges above its devices, which may route a message
 *	to a neighbour (type pci-window)
 * @aperture: what the IOMMU can address, or NULL if that is not known: then
 *	only addresses below 4 GiB are used
 * @page: smallest page that the IOMMU maps, in bytes, a power of two
 * @need: bytes that the doorbells need
 * @size: default size of a window in bytes, at least @need
 * @native: base of the kernel's own window
 * @below_4g: some device of the group can send messages only to 32-bit addresses
 */
struct resv_window_plan {
	const struct resv_set *regions;
	const struct resv_set *bridges;
	const struct resv_range *aperture;
	u64 page;
	u64 need;
	u64 size;
	u64 native;
	bool below_4g;
};

enum resv_window_fault {
	RESV_WINDOW_ALIGN,	/* not whole pages */
	RESV_WINDOW_ZERO,	/* begins at 0 */
	RESV_WINDOW_SMALL,	/* smaller than the doorbells */
	RESV_WINDOW_OUTSIDE,	/* not completely in the aperture */
	RESV_WINDOW_HIGH32,	/* not addressable by 32-bit messages */
	RESV_WINDOW_TAKEN,	/* overlaps a region */
};

enum resv_window_why {
	RESV_WINDOW_KEPT,	/* the kernel's own place is free */
	RESV_WINDOW_LOW,	/* moved, below 4 GiB */
	RESV_WINDOW_HIGH,	/* there is no place below 4 GiB */
};

int resv_window_judge(const struct resv_window_plan *plan, u64 base, u64 size,
		      enum resv_window_fault *fault,
		      const struct resv_region **hit);
int resv_window_choose(const struct resv_window_plan *plan,
		       const struct resv_range *avoid, unsigned int nr_avoid,
		       u64 *base, enum resv_window_why *why);
const struct resv_region *
resv_window_conflict(const struct resv_set *regions, u64 start, u64 end,
		     const struct resv_region *after);

int resv_window_place(const struct resv_ranges *free,
		      const struct resv_window_req *req, u64 *base);
int resv_window_check(const struct resv_ranges *free, u64 base, u64 size,
		      u64 align, u64 limit);

#endif /* RESV_MODEL_PLACEMENT_H */
