/* SPDX-License-Identifier: GPL-2.0-only */
/* Placement of a window (of MSI doorbells) in the free ranges of a group. */
#ifndef RESV_WINDOW_H
#define RESV_WINDOW_H

#include "region.h"

/*
 * "No preference": as a base it could only ever hold one single byte, so the
 * value is free to mean this.
 */
#define RESV_WINDOW_NO_PREFER	ULLONG_MAX

/**
 * struct resv_window_req - what is asked for
 * @size: size in bytes, at least 1
 * @align: alignment of the base, a power of two
 * @limit: highest address the window may touch, inclusive, e.g. 4G - 1 for
 *	devices with 32-bit MSI
 * @avoid: ranges the window must stay out of although they are free, e.g.
 *	guest memory; in any order, overlaps allowed
 * @nr_avoid: number of those
 * @prefer: base that is kept if it fits, or RESV_WINDOW_NO_PREFER
 */
struct resv_window_req {
	u64 size;
	u64 align;
	u64 limit;
	const struct resv_range *avoid;
	unsigned int nr_avoid;
	u64 prefer;
};

int resv_window_place(const struct resv_ranges *free,
		      const struct resv_window_req *req, u64 *base);
int resv_window_check(const struct resv_ranges *free, u64 base, u64 size,
		      u64 align, u64 limit);

#endif /* RESV_WINDOW_H */
