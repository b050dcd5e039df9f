// SPDX-License-Identifier: GPL-2.0-only
/* Lists of ranges, and their complement to a set of regions. */
#include "model/range.h"
#include "model/region.h"

/**
 * resv_ranges_init() - make an empty list
 * @ranges: the list
 */
void resv_ranges_init(struct resv_ranges *ranges)
{
	memset(ranges, 0, sizeof(*ranges));
}

/**
 * resv_ranges_free() - free the ranges of a list and make it empty
 * @ranges: the list, which may be used again
 */
void resv_ranges_free(struct resv_ranges *ranges)
{
	resv_free(ranges->r);
	resv_ranges_init(ranges);
}

static int resv_ranges_reserve(struct resv_ranges *ranges, unsigned int extra)
{
	struct resv_range *r;
	unsigned int cap;

	if (extra > UINT_MAX - ranges->nr)
		return -ENOMEM;
	if (ranges->nr + extra <= ranges->cap)
		return 0;

	cap = resv_capacity(ranges->cap, ranges->nr + extra, sizeof(*r));
	if (!cap)
		return -ENOMEM;
	r = resv_realloc(ranges->r, cap * sizeof(*r));
	if (!r)
		return -ENOMEM;
	ranges->r = r;
	ranges->cap = cap;
	return 0;
}

/**
 * resv_ranges_append() - put a range at the end of a list
 * @ranges: the list
 * @start: first address
 * @end: last address, inclusive
 *
 * Return: 0, -EINVAL if the range ends before it starts, -ENOMEM.
 */
int resv_ranges_append(struct resv_ranges *ranges, u64 start, u64 end)
{
	int ret;

	if (start > end)
		return -EINVAL;
	ret = resv_ranges_reserve(ranges, 1);
	if (ret)
		return ret;
	ranges->r[ranges->nr].start = start;
	ranges->r[ranges->nr].end = end;
	ranges->nr++;
	return 0;
}

/**
 * resv_ranges_copy() - replace a list by a copy of another one
 * @dst: an initialized list
 * @src: the list to copy
 *
 * Return: 0 or -ENOMEM, with @dst unchanged.
 */
int resv_ranges_copy(struct resv_ranges *dst, const struct resv_ranges *src)
{
	struct resv_ranges copy;
	int ret;

	if (dst == src)
		return 0;

	resv_ranges_init(&copy);
	if (src->nr) {
		ret = resv_ranges_reserve(&copy, src->nr);
		if (ret)
			return ret;
		memcpy(copy.r, src->r, src->nr * sizeof(*src->r));
		copy.nr = src->nr;
	}
	resv_ranges_free(dst);
	*dst = copy;
	return 0;
}

/**
 * resv_ranges_equal() - are two lists the same?
 * @a: one list
 * @b: other list
 *
 * Return: true if they have the same ranges in the same order
 */
bool resv_ranges_equal(const struct resv_ranges *a,
		       const struct resv_ranges *b)
{
	unsigned int i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (a->r[i].start != b->r[i].start ||
		    a->r[i].end != b->r[i].end)
			return false;
	return true;
}

/**
 * resv_ranges_contain() - is a range inside one range of a list?
 * @ranges: ascending ranges without overlaps
 * @start: first address
 * @end: last address, inclusive
 *
 * Return: true if all of it is inside one single range.
 */
bool resv_ranges_contain(const struct resv_ranges *ranges, u64 start, u64 end)
{
	unsigned int lo = 0, hi = ranges->nr, mid;

	/* First range that does not end below @start. */
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ranges->r[mid].end < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ranges->nr && start <= end &&
	       ranges->r[lo].start <= start && end <= ranges->r[lo].end;
}

/* Append the parts of @aperture to @out that no region covers. */
static int resv_complement_one(struct resv_ranges *out,
			       const struct resv_range *aperture,
			       const struct resv_set *set, u32 typemask)
{
	u64 next = aperture->start;
	const struct resv_region *r;
	unsigned int i;
	int ret;

	for (i = resv_set_first_reaching(set, next); i < set->nr; i++) {
		r = &set->r[i];
		if (r->start > aperture->end)
			break;
		if (r->end < next || !(typemask & RESV_TYPE(r->type)))
			continue;
		if (r->start > next) {
			ret = resv_ranges_append(out, next, r->start - 1);
			if (ret)
				return ret;
		}
		if (r->end >= aperture->end)
			return 0;
		next = r->end + 1;
	}
	return resv_ranges_append(out, next, aperture->end);
}

/**
 * resv_ranges_complement() - compute the parts of an aperture outside of regions
 * @out: an initialized list, whose content is replaced
 * @aperture: ranges that the hardware can address; in any order, overlaps allowed
 * @nr_aperture: number of pieces of @aperture
 * @set: the regions to take away
 * @typemask: RESV_TYPE() of the types that count
 *
 * The result has the maximal pieces, ascending: pieces of the aperture that
 * overlap or touch are joined, and between two pieces of the result there is
 * always an address that is not free. The result may be empty.
 *
 * Return: 0, -EINVAL if a piece of the aperture ends before it starts,
 * -ENOMEM. @out is unchanged on error.
 */
int resv_ranges_complement(struct resv_ranges *out,
			   const struct resv_range *aperture,
			   unsigned int nr_aperture,
			   const struct resv_set *set, u32 typemask)
{
	struct resv_range piece = { 0, 0 };
	struct resv_ranges left;
	bool have_piece = false;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr_aperture; i++)
		if (aperture[i].start > aperture[i].end)
			return -EINVAL;

	resv_ranges_init(&left);
	for (;;) {
		struct resv_range next = { 0, 0 };
		bool have_next = false, grown;

		/*
		 * Find the lowest start behind the last piece. An aperture has
		 * one or two pieces, so checking all of them again is cheaper
		 * than a sorted copy.
		 */
		for (i = 0; i < nr_aperture; i++) {
			if (have_piece && aperture[i].start <= piece.end)
				continue;
			if (!have_next || aperture[i].start < next.start)
				next = aperture[i];
			have_next = true;
		}
		if (!have_next)
			break;

		/* Join pieces that overlap it or begin where it ends. */
		do {
			grown = false;
			for (i = 0; i < nr_aperture; i++) {
				if (aperture[i].end > next.end &&
				    aperture[i].start >= next.start &&
				    (aperture[i].start <= next.end ||
				     aperture[i].start - 1 == next.end)) {
					next.end = aperture[i].end;
					grown = true;
				}
			}
		} while (grown);

		ret = resv_complement_one(&left, &next, set, typemask);
		if (ret)
			break;
		piece = next;
		have_piece = true;
	}
	if (ret) {
		resv_ranges_free(&left);
		return ret;
	}

	resv_ranges_free(out);
	*out = left;
	return 0;
}
