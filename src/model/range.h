/* SPDX-License-Identifier: GPL-2.0-only */
/* Ranges of addresses, without a type. */
#ifndef RESV_MODEL_RANGE_H
#define RESV_MODEL_RANGE_H

#include "model/base.h"

struct resv_set;

/**
 * struct resv_range - addresses without a type
 * @start: first address
 * @end: last address, inclusive
 */
struct resv_range {
	u64 start;
	u64 end;
};

/**
 * struct resv_ranges - list of ranges
 * @r: the ranges
 * @nr: number of ranges
 * @cap: number of ranges that fit without another allocation
 *
 * What resv_ranges_complement() produces is ascending, and between two
 * ranges there is always at least one address that belongs to neither.
 */
struct resv_ranges {
	struct resv_range *r;
	unsigned int nr;
	unsigned int cap;
};

void resv_ranges_init(struct resv_ranges *ranges);
void resv_ranges_free(struct resv_ranges *ranges);
int resv_ranges_append(struct resv_ranges *ranges, u64 start, u64 end);
int resv_ranges_copy(struct resv_ranges *dst, const struct resv_ranges *src);
bool resv_ranges_equal(const struct resv_ranges *a,
		       const struct resv_ranges *b);
bool resv_ranges_contain(const struct resv_ranges *ranges, u64 start, u64 end);
int resv_ranges_complement(struct resv_ranges *out,
			   const struct resv_range *aperture,
			   unsigned int nr_aperture,
			   const struct resv_set *set, u32 typemask);

#endif /* RESV_MODEL_RANGE_H */
