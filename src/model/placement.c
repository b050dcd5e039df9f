// SPDX-License-Identifier: GPL-2.0-only
/* Placement of a window (of MSI doorbells) in a group's addresses. */

#include "model/placement.h"

static bool resv_window_valid(u64 size, u64 align)
{
	return size && align && !(align & (align - 1));
}

/**
 * resv_window_check() - may a window be at a given place?
 * @free: the free ranges, ascending and without overlaps
 * @base: first address of the window
 * @size: size in bytes
 * @align: alignment of the base, a power of two
 * @limit: highest address the window may touch, inclusive
 *
 * Return: 0; -EINVAL if the size is 0, the alignment is not a power of two or
 * the base is not aligned; -ERANGE if the window wraps or ends above @limit;
 * -EADDRINUSE if it is not free.
 */
int resv_window_check(const struct resv_ranges *free, u64 base, u64 size,
		      u64 align, u64 limit)
{
	if (!resv_window_valid(size, align) || (base & (align - 1)))
		return -EINVAL;
	if (size - 1 > ULLONG_MAX - base || base + (size - 1) > limit)
		return -ERANGE;
	if (!resv_ranges_contain(free, base, base + (size - 1)))
		return -EADDRINUSE;
	return 0;
}

static bool resv_window_avoided(const struct resv_window_req *req, u64 start,
				u64 end)
{
	unsigned int i;

	for (i = 0; i < req->nr_avoid; i++)
		if (req->avoid[i].start <= end && req->avoid[i].end >= start)
			return true;
	return false;
}

/*
 * Cut the first piece out of @range, from *@next on, that touches no range to
 * avoid, and move *@next behind it. Each round checks all ranges to avoid, so
 * they need no sorting and no memory; guests have few memory slots.
 */
static bool resv_window_piece(const struct resv_range *range,
			      const struct resv_window_req *req, u64 *next,
			      bool *done, struct resv_range *piece)
{
	bool moved;
	unsigned int i;

	if (*done)
		return false;

	/* Move the start up until no range to avoid covers it ... */
	piece->start = *next;
	do {
		moved = false;
		for (i = 0; i < req->nr_avoid; i++) {
			if (req->avoid[i].start > piece->start ||
			    req->avoid[i].end < piece->start)
				continue;
			if (req->avoid[i].end >= range->end) {
				*done = true;
				return false;
			}
			piece->start = req->avoid[i].end + 1;
			moved = true;
		}
	} while (moved);

	/* ... and end before the next one. */
	piece->end = range->end;
	for (i = 0; i < req->nr_avoid; i++)
		if (req->avoid[i].start > piece->start &&
		    req->avoid[i].start <= piece->end)
			piece->end = req->avoid[i].start - 1;

	if (piece->end == range->end)
		*done = true;
	else
		*next = piece->end + 1;
	return true;
}

/* The highest aligned place in @piece up to the limit. */
static bool resv_window_highest(const struct resv_range *piece,
				const struct resv_window_req *req, u64 *base)
{
	u64 end = min(piece->end, req->limit);
	u64 start;

	if (end < piece->start || end - piece->start < req->size - 1)
		return false;
	start = (end - (req->size - 1)) & ~(req->align - 1);
	if (start < piece->start)
		return false;
	*base = start;
	return true;
}

/**
 * resv_window_place() - find a place for a window
 * @free: the free ranges, ascending and without overlaps
 * @req: the request
 * @base: set to the first address of the window
 *
 * This chooses the place that disturbs least:
 *
 * - @req->prefer if it is aligned, free, below the limit and touches no range
 *   to avoid: do not move a window without need;
 * - else the smallest piece of free space that can hold the window, and the
 *   highest one of equal pieces, so that large ranges stay whole for guest
 *   memory. A piece is a part of a free range between ranges to avoid; its
 *   size counts before the limit cuts it off, because the window breaks up
 *   the whole piece;
 * - within the piece the highest place: guest memory and drivers' own
 *   mappings grow from the lower end.
 *
 * The same request on the same ranges gives the same place.
 *
 * Return: 0; -EINVAL if the size is 0, the alignment is not a power of two or
 * a range to avoid ends before it starts; -ENOSPC if there is no place.
 */
int resv_window_place(const struct resv_ranges *free,
		      const struct resv_window_req *req, u64 *base)
{
	u64 best_size = 0, place, next, size;
	struct resv_range piece;
	bool found = false, done;
	unsigned int i;

	if (!resv_window_valid(req->size, req->align))
		return -EINVAL;
	for (i = 0; i < req->nr_avoid; i++)
		if (req->avoid[i].start > req->avoid[i].end)
			return -EINVAL;

	if (req->prefer != RESV_WINDOW_NO_PREFER &&
	    !resv_window_check(free, req->prefer, req->size, req->align,
			       req->limit) &&
	    !resv_window_avoided(req, req->prefer,
				 req->prefer + (req->size - 1))) {
		*base = req->prefer;
		return 0;
	}

	for (i = 0; i < free->nr; i++) {
		next = free->r[i].start;
		done = false;
		while (resv_window_piece(&free->r[i], req, &next, &done,
					 &piece)) {
			/* The size minus one, because the size may be 2^64. */
			size = piece.end - piece.start;
			if (found && size > best_size)
				continue;
			if (!resv_window_highest(&piece, req, &place))
				continue;
			found = true;
			best_size = size;
			*base = place;
		}
	}
	return found ? 0 : -ENOSPC;
}

#define TOP_32BIT	0xffffffffULL

/* Types of regions that the MSI window must not overlap. */
#define BOUNDS	(RESV_ALL_TYPES & ~RESV_TYPE(RESV_SW_MSI) & \
		 ~RESV_TYPE(RESV_OUT_OF_RANGE))

/**
 * resv_window_conflict() - find a region that the window must not overlap, but does
 * @regions: regions of the group, in order
 * @start: first address of the window
 * @end: last address, inclusive
 * @after: the previous result, or NULL for the first region
 *
 * Return: the region, or NULL if there is none after @after
 */
const struct resv_region *
resv_window_conflict(const struct resv_set *regions, u64 start, u64 end,
		     const struct resv_region *after)
{
	unsigned int i = after ? (unsigned int)(after - regions->r) + 1 : 0;

	for (; i < regions->nr; i++) {
		const struct resv_region *r = &regions->r[i];

		if ((BOUNDS & RESV_TYPE(r->type)) && r->start <= end &&
		    r->end >= start)
			return r;
	}
	return NULL;
}

static struct resv_range resv_window_reach(const struct resv_window_plan *plan)
{
	struct resv_range reach = { 0, TOP_32BIT };

	return plan->aperture ? *plan->aperture : reach;
}

/**
 * resv_window_judge() - may the MSI window of a group be at a given place?
 * @plan: bounds of the window
 * @base: first address
 * @size: bytes
 * @fault: set on error: why the place is refused
 * @hit: set to the overlapping region if @fault is RESV_WINDOW_TAKEN, else NULL
 *
 * Address 0 is refused because kernels treat it as a failed allocation
 * (iommu_dma_get_msi_page() in drivers/iommu/dma-iommu.c, from 4.9 to 7.3), and
 * the device would get no interrupt.  That function maps doorbells upward from
 * the base, a page each, and does not check the end of the window: hence
 * @plan->need.
 *
 * Return: 0; -EINVAL if the window is not whole pages, begins at 0 or is too
 * small; -ERANGE if the IOMMU or a device cannot address it; -EADDRINUSE if it
 * overlaps a region
 */
int resv_window_judge(const struct resv_window_plan *plan, u64 base, u64 size,
		      enum resv_window_fault *fault,
		      const struct resv_region **hit)
{
	struct resv_range reach = resv_window_reach(plan);
	u64 end;

	*hit = NULL;
	*fault = RESV_WINDOW_ALIGN;
	if (!size || ((base | size) & (plan->page - 1)))
		return -EINVAL;
	*fault = RESV_WINDOW_ZERO;
	if (!base)
		return -EINVAL;
	*fault = RESV_WINDOW_SMALL;
	if (size < plan->need)
		return -EINVAL;
	*fault = RESV_WINDOW_OUTSIDE;
	if (size - 1 > ULLONG_MAX - base)
		return -ERANGE;
	end = base + (size - 1);
	if (base < reach.start || end > reach.end)
		return -ERANGE;
	*fault = RESV_WINDOW_HIGH32;
	if (plan->below_4g && end > TOP_32BIT)
		return -ERANGE;
	*fault = RESV_WINDOW_TAKEN;
	*hit = resv_window_conflict(plan->regions, base, end, NULL);
	if (!*hit)
		*hit = resv_window_conflict(plan->bridges, base, end, NULL);
	return *hit ? -EADDRINUSE : 0;
}

/* Compute the ranges that are free for the window, ascending. */
static int resv_window_free(const struct resv_window_plan *plan,
			    struct resv_ranges *free)
{
	struct resv_range reach = resv_window_reach(plan);
	struct resv_region first = {
		.start = 0,
		.end = plan->page - 1,
		.type = RESV_RESERVED,
	};
	struct resv_set taken;
	unsigned int i;
	int ret;

	resv_set_init(&taken);
	ret = resv_set_add(&taken, &first);
	for (i = 0; !ret && i < plan->regions->nr; i++)
		ret = resv_set_add(&taken, &plan->regions->r[i]);
	for (i = 0; !ret && i < plan->bridges->nr; i++)
		ret = resv_set_add(&taken, &plan->bridges->r[i]);
	if (!ret)
		ret = resv_ranges_complement(free, &reach, 1, &taken, BOUNDS);
	resv_set_free(&taken);
	return ret;
}

/* As in other software with movable windows; such addresses are easy to read. */
#define WINDOW_ALIGN	0x100000ULL

/**
 * resv_window_choose() - find the place where the MSI window disturbs least
 * @plan: bounds of the window
 * @avoid: ranges that the admin wants to keep free, e.g. the guest's memory; in
 *	any order, overlaps allowed
 * @nr_avoid: number of @avoid
 * @base: set to the first address; the size is @plan->size
 * @why: set to the reason for the choice
 *
 * First choice is the kernel's own place, if it is free: do not move a window
 * without need.  Second choice is below 4 GiB, which every device can address,
 * and where guests have a hole for devices, too.  Third choice is any place, if
 * no device needs it below 4 GiB.  resv_window_place() decides within these.
 *
 * Return: 0; -EINVAL if a range of @avoid ends before it starts; -ENOSPC if
 * there is no place; -ENOMEM
 */
int resv_window_choose(const struct resv_window_plan *plan,
		       const struct resv_range *avoid, unsigned int nr_avoid,
		       u64 *base, enum resv_window_why *why)
{
	struct resv_range reach = resv_window_reach(plan);
	struct resv_window_req req = {
		.size = plan->size,
		.align = max(plan->page, WINDOW_ALIGN),
		.limit = min(reach.end, TOP_32BIT),
		.avoid = avoid,
		.nr_avoid = nr_avoid,
		.prefer = plan->native,
	};
	struct resv_ranges free;
	int ret;

	resv_ranges_init(&free);
	ret = resv_window_free(plan, &free);
	if (!ret)
		ret = resv_window_place(&free, &req, base);
	*why = !ret && *base == plan->native ? RESV_WINDOW_KEPT :
					       RESV_WINDOW_LOW;
	if (ret == -ENOSPC && !plan->below_4g && reach.end > TOP_32BIT) {
		req.limit = reach.end;
		ret = resv_window_place(&free, &req, base);
		*why = !ret && *base == plan->native ? RESV_WINDOW_KEPT :
						       RESV_WINDOW_HIGH;
	}
	resv_ranges_free(&free);
	return ret;
}
