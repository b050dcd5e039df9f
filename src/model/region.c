// SPDX-License-Identifier: GPL-2.0-only
/* The model: sets of reserved regions and sets of address ranges. */

#include "model/region.h"

static const char * const resv_type_names[RESV_NR_TYPES] = {
	[RESV_DIRECT]		= "direct",
	[RESV_DIRECT_RELAXABLE]	= "direct-relaxable",
	[RESV_RESERVED]		= "reserved",
	[RESV_MSI]		= "msi",
	[RESV_SW_MSI]		= "sw-msi",
	[RESV_OUT_OF_RANGE]	= "out-of-range",
	[RESV_PCI_WINDOW]	= "pci-window",
};

static const char * const resv_origin_names[RESV_NR_ORIGINS] = {
	[RESV_ORIGIN_KERNEL]	= "kernel",
	[RESV_ORIGIN_RMRR]	= "rmrr",
	[RESV_ORIGIN_IVMD]	= "ivmd",
	[RESV_ORIGIN_RMR]	= "rmr",
	[RESV_ORIGIN_DT]	= "dt",
	[RESV_ORIGIN_APIC]	= "apic",
	[RESV_ORIGIN_HT]	= "ht",
	[RESV_ORIGIN_BRIDGE]	= "bridge",
	[RESV_ORIGIN_APERTURE]	= "aperture",
	[RESV_ORIGIN_ADMIN]	= "admin",
	[RESV_ORIGIN_WINDOW]	= "window",
};

/**
 * resv_type_name() - name of a type as the files in sysfs show it
 * @type: the type
 *
 * The kernel's own reserved_regions shows "msi" for RESV_SW_MSI as well.
 *
 * Return: the name, or "?" for an invalid value.
 */
const char *resv_type_name(enum resv_type type)
{
	if ((unsigned int)type >= RESV_NR_TYPES)
		return "?";
	return resv_type_names[type];
}

/**
 * resv_origin_name() - name of an origin as the files in sysfs show it
 * @origin: the origin
 *
 * Return: the name, or "?" for an invalid value.
 */
const char *resv_origin_name(enum resv_origin origin)
{
	if ((unsigned int)origin >= RESV_NR_ORIGINS)
		return "?";
	return resv_origin_names[origin];
}

/**
 * resv_set_init() - make an empty set
 * @set: the set
 */
void resv_set_init(struct resv_set *set)
{
	memset(set, 0, sizeof(*set));
}

/**
 * resv_set_free() - free the regions of a set and make it empty
 * @set: the set, which may be used again
 */
void resv_set_free(struct resv_set *set)
{
	resv_free(set->r);
	resv_free(set->reach);
	resv_set_init(set);
}

/* Make room for @extra more regions. Does not change the regions. */
static int resv_set_reserve(struct resv_set *set, unsigned int extra)
{
	struct resv_region *r;
	unsigned int cap;
	u64 *reach;

	if (extra > UINT_MAX - set->nr)
		return -ENOMEM;
	if (set->nr + extra <= set->cap)
		return 0;

	cap = resv_capacity(set->cap, set->nr + extra, sizeof(*r));
	if (!cap)
		return -ENOMEM;

	r = resv_realloc(set->r, cap * sizeof(*r));
	if (!r)
		return -ENOMEM;
	set->r = r;

	reach = resv_realloc(set->reach, cap * sizeof(*reach));
	if (!reach)
		return -ENOMEM;
	set->reach = reach;

	set->cap = cap;
	return 0;
}

/* Bring reach[] up to date from entry @i on. */
static void resv_set_update_reach(struct resv_set *set, unsigned int i)
{
	for (; i < set->nr; i++) {
		set->reach[i] = set->r[i].end;
		if (i && set->reach[i - 1] > set->reach[i])
			set->reach[i] = set->reach[i - 1];
	}
}

/* Put @region at index @i. The caller has reserved the room. */
static void resv_set_insert(struct resv_set *set, unsigned int i,
			    const struct resv_region *region)
{
	memmove(&set->r[i + 1], &set->r[i],
		(set->nr - i) * sizeof(*set->r));
	set->r[i] = *region;
	set->nr++;
}

static bool resv_region_valid(const struct resv_region *region)
{
	return region->start <= region->end && region->type < RESV_NR_TYPES &&
	       region->origin < RESV_NR_ORIGINS;
}

static int resv_cmp(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

/* Total order of facts. It compares every member, so equal means duplicate. */
static int resv_region_cmp(const struct resv_region *a,
			   const struct resv_region *b)
{
	int c;

	c = resv_cmp(a->start, b->start);
	if (!c)
		c = resv_cmp(a->end, b->end);
	if (!c)
		c = resv_cmp(a->type, b->type);
	if (!c)
		c = resv_cmp(a->name, b->name);
	if (!c)
		c = resv_cmp(a->origin, b->origin);
	if (!c)
		c = resv_cmp(a->flags, b->flags);
	return c;
}

/**
 * resv_set_add() - add one fact to a set
 * @set: a set that was not made by resv_set_merge()
 * @region: region to add
 *
 * The set is kept in the order of start, end, type, name, origin and flags.
 * A region that equals one of the set in all of these is not added again.
 * This never merges regions, so that the set keeps where each fact is from.
 *
 * Return: 0, -EINVAL if the region ends before it starts, has an unknown
 * type or origin or the set is a merged one, -ENOMEM. The set is unchanged
 * on error.
 */
int resv_set_add(struct resv_set *set, const struct resv_region *region)
{
	unsigned int lo = 0, hi = set->nr, mid;
	int ret, c;

	if (!resv_region_valid(region) || set->merged)
		return -EINVAL;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = resv_region_cmp(&set->r[mid], region);
		if (!c)
			return 0;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}

	ret = resv_set_reserve(set, 1);
	if (ret)
		return ret;
	resv_set_insert(set, lo, region);
	resv_set_update_reach(set, lo);
	return 0;
}

/**
 * resv_set_copy() - replace a set by a copy of another one
 * @dst: an initialized set
 * @src: the set to copy
 *
 * Return: 0 or -ENOMEM, with @dst unchanged.
 */
int resv_set_copy(struct resv_set *dst, const struct resv_set *src)
{
	struct resv_set copy;
	int ret;

	if (dst == src)
		return 0;

	resv_set_init(&copy);
	copy.merged = src->merged;
	if (src->nr) {
		ret = resv_set_reserve(&copy, src->nr);
		if (ret) {
			resv_set_free(&copy);
			return ret;
		}
		memcpy(copy.r, src->r, src->nr * sizeof(*src->r));
		memcpy(copy.reach, src->reach, src->nr * sizeof(*src->reach));
		copy.nr = src->nr;
	}

	resv_set_free(dst);
	*dst = copy;
	return 0;
}

/**
 * resv_set_equal() - do two sets hold the same regions?
 * @a: one set
 * @b: other set
 *
 * Return: true if they do, in all members and in the same order.
 */
bool resv_set_equal(const struct resv_set *a, const struct resv_set *b)
{
	unsigned int i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (resv_region_cmp(&a->r[i], &b->r[i]))
			return false;
	return true;
}

/* Merge @b into @a, which starts first. */
static void resv_region_absorb(struct resv_region *a,
			       const struct resv_region *b)
{
	a->end = max(a->end, b->end);
	if (a->name != b->name)
		a->name = 0;
	if (a->origin != b->origin)
		a->origin = RESV_ORIGIN_KERNEL;
	/* Enforced if any part is enforced, added only if all parts are added. */
	a->flags = (u8)((a->flags & b->flags & RESV_F_ADDED) |
			((a->flags | b->flags) & RESV_F_ENFORCED));
}

/*
 * The kernel's test for "@b is apart from @a": iter->start > top_end + 1,
 * where the sum wraps to 0 if @a goes up to the last address. Everything that
 * starts above 0 then counts as apart, overlap or not.
 */
static bool resv_region_apart(const struct resv_region *a,
			      const struct resv_region *b)
{
	return b->start > a->end + 1;
}

/* Insert a region. The caller has reserved the room. */
static void resv_set_merge_insert(struct resv_set *dst,
				  const struct resv_region *region)
{
	unsigned int lo = 0, hi = dst->nr, mid, top, i, out, first;

	/* Find the first index whose (start, type) is not less than the new one's. */
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (dst->r[mid].start < region->start ||
		    (dst->r[mid].start == region->start &&
		     dst->r[mid].type < region->type))
			lo = mid + 1;
		else
			hi = mid;
	}
	resv_set_insert(dst, lo, region);

	/*
	 * The kernel now walks the whole list and compares each region of
	 * this type with the last one of this type that it kept. Pairs before
	 * the new region were compared when they were inserted, so start with
	 * the one right before it.
	 */
	top = lo;
	while (top && dst->r[top - 1].type != region->type)
		top--;
	top = top ? top - 1 : lo;

	first = top;
	out = top + 1;
	for (i = top + 1; i < dst->nr; i++) {
		if (dst->r[i].type == region->type) {
			if (!resv_region_apart(&dst->r[top], &dst->r[i])) {
				resv_region_absorb(&dst->r[top], &dst->r[i]);
				continue;
			}
			top = out;
		}
		dst->r[out++] = dst->r[i];
	}
	dst->nr = out;
	resv_set_update_reach(dst, first);
}

/**
 * resv_set_merge_one() - merge one region into a set by the kernel's rule
 * @dst: an empty set or one made by this function or resv_set_merge()
 * @region: region to merge
 *
 * This is iommu_insert_resv_region() of kernel 5.4 and later
 * (drivers/iommu/iommu.c, unchanged up to 7.3): the list is sorted by start
 * and type, and regions of one type that overlap or touch become one.
 * Regions of different types may overlap.
 *
 * The order of insertion does not matter as long as no region ends at the last
 * address: then there is always a gap between regions of one type, and the
 * result is the union of each type in maximal pieces, sorted by start and type.
 * A region that ends at the last address is different: the kernel's end + 1
 * wraps to 0, regions of its type that start inside it or at its start stay on
 * the list beside it, and the order decides what is merged. This function does
 * the same. To get the list that the kernel prints, insert in the kernel's
 * order: device by device, each device's list from its head.
 *
 * A merged region has the name of its parts if they agree, else 0; and the
 * origin of its parts if they agree, else RESV_ORIGIN_KERNEL.
 *
 * Return: 0, -EINVAL for an invalid region or a set filled by
 * resv_set_add(), -ENOMEM. The set is unchanged on error.
 */
int resv_set_merge_one(struct resv_set *dst, const struct resv_region *region)
{
	int ret;

	if (!resv_region_valid(region) || (dst->nr && !dst->merged))
		return -EINVAL;

	ret = resv_set_reserve(dst, 1);
	if (ret)
		return ret;
	dst->merged = true;
	resv_set_merge_insert(dst, region);
	return 0;
}

/**
 * resv_set_merge() - merge a set into another one by the kernel's rule
 * @dst: an empty set or one made by this function or resv_set_merge_one()
 * @src: the regions to merge, taken in the order of the set
 * @typemask: RESV_TYPE() of the types to merge; others are skipped
 *
 * Return: 0, -EINVAL if @dst was filled by resv_set_add(), -ENOMEM. @dst is
 * unchanged on error.
 */
int resv_set_merge(struct resv_set *dst, const struct resv_set *src,
		   u32 typemask)
{
	unsigned int i;
	int ret;

	if (dst == src || (dst->nr && !dst->merged))
		return -EINVAL;

	ret = resv_set_reserve(dst, src->nr);
	if (ret)
		return ret;
	dst->merged = true;
	for (i = 0; i < src->nr; i++)
		if (typemask & RESV_TYPE(src->r[i].type))
			resv_set_merge_insert(dst, &src->r[i]);
	return 0;
}

/**
 * resv_set_first_reaching() - find the first region that ends at or above an address
 * @set: the set
 * @addr: the address
 *
 * This searches @reach, the running maximum of the ends: the first entry that
 * reaches @addr is the region that raised the maximum.
 *
 * Context: any.
 * Return: index of the region, or the number of regions if there is none
 */
unsigned int resv_set_first_reaching(const struct resv_set *set, u64 addr)
{
	unsigned int lo = 0, hi = set->nr, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (set->reach[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * resv_set_first_overlap() - find the first region that a range overlaps
 * @set: the set
 * @start: first address of the range
 * @end: last address of the range, inclusive
 * @typemask: RESV_TYPE() of the types that count
 *
 * This takes the time of a binary search, plus a step for each region from the
 * first overlapping one of any type up to the result.
 *
 * Return: the first region in the order of the set that has an address in
 * common with the range, or NULL if there is none.
 */
const struct resv_region *resv_set_first_overlap(const struct resv_set *set,
						 u64 start, u64 end,
						 u32 typemask)
{
	const struct resv_region *r;
	unsigned int i;

	if (start > end)
		return NULL;

	for (i = resv_set_first_reaching(set, start); i < set->nr; i++) {
		r = &set->r[i];
		if (r->start > end)
			break;
		if (r->end >= start && (typemask & RESV_TYPE(r->type)))
			return r;
	}
	return NULL;
}

/**
 * resv_set_each_conflict() - report overlaps of regions of different types
 * @set: the set
 * @fn: called for each pair of enforced regions which have different types
 *	and an address in common, e.g. an RMR in the sw-msi window; @a is
 *	before @b in the set. A value other than 0 stops the walk.
 * @ctx: given to @fn
 *
 * Return: what the last @fn returned, 0 if there was no pair.
 */
int resv_set_each_conflict(const struct resv_set *set,
			   int (*fn)(void *ctx, const struct resv_region *a,
				     const struct resv_region *b),
			   void *ctx)
{
	const struct resv_region *a, *b;
	unsigned int i, j;
	int ret;

	for (i = 0; i < set->nr; i++) {
		a = &set->r[i];
		if (!(a->flags & RESV_F_ENFORCED))
			continue;
		for (j = i + 1; j < set->nr; j++) {
			b = &set->r[j];
			if (b->start > a->end)
				break;
			if (!(b->flags & RESV_F_ENFORCED) ||
			    a->type == b->type)
				continue;
			ret = fn(ctx, a, b);
			if (ret)
				return ret;
		}
	}
	return 0;
}
