// SPDX-License-Identifier: GPL-2.0-only
/* Placement of a window in the free ranges of a group. */

#include "window.h"

static bool resv_window_valid(u64 size, u64 align)
{
	return size && align && !(align & (align - 1));
}

/**
 * resv_window_check() - may a window be here?
 * @free: the free ranges, ascending and without overlaps
 * @base: first address of the window
 * @size: size in bytes
 * @align: alignment of the base, a power of two
 * @limit: highest address the window may touch, inclusive
 *
 * Return: 0; -EINVAL if the size is 0, the alignment no power of two or the
 * base not aligned; -ERANGE if the window wraps or ends above @limit;
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
 * Cut the first piece that is not to be avoided out of @range, from *@next
 * on, and move *@next behind it. Each round looks at all of the ranges to
 * avoid, so they need no order and no memory; guests have few memory slots.
 */
static bool resv_window_piece(const struct resv_range *range,
			      const struct resv_window_req *req, u64 *next,
			      bool *done, struct resv_range *piece)
{
	bool moved;
	unsigned int i;

	if (*done)
		return false;

	/* Climb out of everything that covers the start ... */
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
 * @req: what is asked for
 * @base: where to put the first address
 *
 * The place is the one that disturbs least:
 *
 * - @req->prefer if it is aligned, free, below the limit and touches nothing
 *   that is to be avoided: a window that need not move does not;
 * - else the smallest piece of free space that holds it (free ranges minus
 *   what is to be avoided, measured before the limit cuts it off, since that
 *   is what the window breaks up), of equal ones the highest: large ranges
 *   stay whole for guest memory;
 * - in it the highest place: guest memory and drivers' own mappings grow
 *   from the lower end.
 *
 * The same request on the same ranges gives the same place.
 *
 * Return: 0; -EINVAL if the size is 0, the alignment no power of two or a
 * range to avoid ends before it starts; -ENOSPC if there is no place.
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
			/* One less than the size, which may be 2^64. */
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
