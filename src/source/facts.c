// SPDX-License-Identifier: GPL-2.0-only
/*
 * Collects the facts that the sources report about one group, and combines them: which
 * fact explains which region, and which addresses are left for a guest.  This code does
 * not depend on hardware.
 *
 * All functions may sleep; only one task at a time uses a collection.
 */
#include <linux/mm.h>
#include "compat/compat.h"
#include "source/facts.h"

#define PAGE_4K		4096ULL

/**
 * resv_facts_init() - initialise an empty collection of facts
 * @c: uninitialised
 * @group: the group
 * @id: its number
 *
 * Return: 0, or -ENOMEM with nothing to free
 */
int resv_facts_init(struct resv_facts *c, struct iommu_group *group, int id)
{
	memset(c, 0, sizeof(*c));
	c->group = group;
	c->id = id;
	c->page = PAGE_SIZE;
	c->unguarded = true;
	resv_set_init(&c->regions);
	resv_set_init(&c->taken);
	resv_set_init(&c->bridges);
	resv_set_init(&c->gaps);
	resv_ranges_init(&c->usable);
	c->names = kstrdup("-", GFP_KERNEL);
	if (!c->names)
		return -ENOMEM;
	c->names_len = 2;
	return 0;
}

/**
 * resv_facts_free() - free all facts
 * @c: initialised
 */
void resv_facts_free(struct resv_facts *c)
{
	resv_set_free(&c->regions);
	resv_set_free(&c->taken);
	resv_set_free(&c->bridges);
	resv_set_free(&c->gaps);
	resv_ranges_free(&c->usable);
	kfree(c->names);
	kfree(c->devices);
	kfree(c->models);
	kfree(c->iommus);
	kfree(c->held);
}

/**
 * resv_facts_name() - store a device name once, for struct resv_region
 * @c: collection
 * @name: dev_name() of the device
 *
 * Return: its offset in @names, which is the same for equal names, or -ENOMEM
 */
int resv_facts_name(struct resv_facts *c, const char *name)
{
	size_t len = strlen(name) + 1;
	char *names;
	u32 at;

	for (at = 0; at < c->names_len; at += strlen(c->names + at) + 1)
		if (!strcmp(c->names + at, name))
			return at;
	if (len > INT_MAX - c->names_len)
		return -ENOMEM;
	names = krealloc(c->names, c->names_len + len, GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	memcpy(names + at, name, len);
	c->names = names;
	c->names_len += len;
	return at;
}

/* Append a number to a list, whose capacity is the next power of two. */
static int add_number(u32 **list, unsigned int *nr, u32 number)
{
	u32 *more;

	/* The list is full when the number of entries is a power of two. */
	if (!(*nr & (*nr - 1))) {
		more = krealloc(*list, (*nr ? 2 * *nr : 1) * sizeof(*more),
				GFP_KERNEL);
		if (!more)
			return -ENOMEM;
		*list = more;
	}
	(*list)[(*nr)++] = number;
	return 0;
}

/**
 * resv_facts_device() - add a device of the group
 * @c: facts
 * @name: dev_name() of the device
 * @model: resv_hw_model() of the device
 *
 * Return: resv_facts_name() of the device, or -ENOMEM
 */
int resv_facts_device(struct resv_facts *c, const char *name, u32 model)
{
	int at = resv_facts_name(c, name);

	if (at < 0 || add_number(&c->devices, &c->nr_devices, at) ||
	    add_number(&c->models, &c->nr_models, model))
		return -ENOMEM;
	return at;
}

/**
 * resv_facts_iommu() - add an IOMMU that translates for a device of the group
 * @c: facts
 * @name: name of the IOMMU in /sys/class/iommu
 *
 * Return: 0 or -ENOMEM
 */
int resv_facts_iommu(struct resv_facts *c, const char *name)
{
	int at = resv_facts_name(c, name);
	unsigned int i;

	if (at < 0)
		return at;
	for (i = 0; i < c->nr_iommus; i++)
		if (c->iommus[i] == at)
			return 0;
	return add_number(&c->iommus, &c->nr_iommus, at);
}

/**
 * resv_facts_has_device() - is a device in the group?
 * @c: facts, all devices known
 * @name: dev_name() of the device
 *
 * Return: true if it is
 */
bool resv_facts_has_device(const struct resv_facts *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->nr_devices; i++)
		if (!strcmp(c->names + c->devices[i], name))
			return true;
	return false;
}

/**
 * resv_facts_add() - add a fact
 * @c: collection
 * @name: resv_facts_name() of the device that causes it, 0 for the group
 * @start: first address
 * @end: last address, inclusive
 * @type: type
 * @origin: where the fact comes from
 * @flags: RESV_F_*
 *
 * Return: 0, -ENOMEM, or -EINVAL if @end is below @start
 */
int resv_facts_add(struct resv_facts *c, u32 name, u64 start, u64 end,
		   enum resv_type type, enum resv_origin origin, u8 flags)
{
	struct resv_region region = {
		.start = start,
		.end = end,
		.name = name,
		.type = type,
		.origin = origin,
		.flags = flags,
	};

	return resv_set_add(&c->regions, &region);
}

/**
 * resv_facts_explain() - set the origin of a region that the kernel reports
 * @c: collection
 * @name: the device
 * @start: first address of the fact behind the region
 * @end: last address, inclusive
 * @typemask: types under which the kernel may report it
 * @origin: where the fact comes from
 *
 * The kernel rounds firmware's addresses to pages (VT-d and AMD to 4 KiB at
 * least), so a fact explains a region if it fills the region up to less than a page at
 * each end.
 *
 * Return: true if the kernel reports such a region for this device
 */
bool resv_facts_explain(struct resv_facts *c, u32 name, u64 start, u64 end,
			u32 typemask, enum resv_origin origin)
{
	u64 slack = max_t(u64, PAGE_4K, PAGE_SIZE) - 1;
	bool found = false;
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		struct resv_region *r = &c->regions.r[i];

		if (r->start > start)
			break;
		if (r->name != name || !(typemask & RESV_TYPE(r->type)) ||
		    (r->flags & RESV_F_ADDED))
			continue;
		if (r->end < end || start - r->start > slack ||
		    r->end - end > slack)
			continue;
		r->origin = origin;
		found = true;
	}
	return found;
}

/**
 * resv_facts_mark() - add flags to regions that are listed
 * @c: collection, with all devices and the group's list collected
 * @start: first address of the regions
 * @end: last address, inclusive
 * @typemask: their types
 * @flags: RESV_F_* to add
 */
void resv_facts_mark(struct resv_facts *c, u64 start, u64 end, u32 typemask,
		     u8 flags)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		struct resv_region *r = &c->regions.r[i];

		if (r->start == start && r->end == end &&
		    (typemask & RESV_TYPE(r->type)) && resv_facts_is_listed(r))
			r->flags |= flags;
	}
}

static int claim(struct resv_facts *c, u32 name, u64 start, u64 end,
		 enum resv_type type, enum resv_origin origin, u8 flags)
{
	u32 mask = RESV_TYPE(RESV_DIRECT) | RESV_TYPE(RESV_DIRECT_RELAXABLE) |
		   RESV_TYPE(RESV_RESERVED) | RESV_TYPE(type);

	if (resv_facts_explain(c, name, start, end, mask, origin))
		return 0;
	return resv_facts_add(c, name, start, end, type, origin,
				RESV_F_ADDED | flags);
}

/**
 * resv_facts_claim() - report a region that the IOMMU's driver lists for a device
 * @c: collection
 * @name: the device
 * @start: first address
 * @end: last address, inclusive
 * @type: the type that drivers give it since v5.3
 * @origin: where the fact comes from
 *
 * If the kernel reports the region, only set its origin.  Otherwise put it on the
 * device's list, if this module makes that list; or else add it as advice, because
 * maps there are not refused.
 *
 * Return: 0, -ENOMEM, or -EINVAL if @end is below @start
 */
int resv_facts_claim(struct resv_facts *c, u32 name, u64 start, u64 end,
		     enum resv_type type, enum resv_origin origin)
{
	return claim(c, name, start, end, type, origin,
		     c->own_device ? RESV_F_LISTED : 0);
}

/**
 * resv_facts_advise() - report a region that firmware declares for a device
 * @c: collection
 * @name: the device
 * @start: first address
 * @end: last address, inclusive
 * @type: type of the region on kernels that know this table
 * @origin: the table
 *
 * Like resv_facts_claim(), but never puts the region on a list: the drivers of kernels
 * whose lists this module makes do not list it.
 *
 * Return: 0, -ENOMEM, or -EINVAL if @end is below @start
 */
int resv_facts_advise(struct resv_facts *c, u32 name, u64 start, u64 end,
		      enum resv_type type, enum resv_origin origin)
{
	return claim(c, name, start, end, type, origin, 0);
}

/**
 * resv_facts_is_listed() - is a region on the group's list?
 * @r: region of a group's facts
 *
 * Return: true if the kernel or this module lists it
 */
bool resv_facts_is_listed(const struct resv_region *r)
{
	return (RESV_KERNEL_TYPES & RESV_TYPE(r->type)) &&
	       (!(r->flags & RESV_F_ADDED) || (r->flags & RESV_F_LISTED));
}

/**
 * resv_facts_is_hole() - does a check of maps refuse maps in a region?
 * @r: region of a group's facts
 *
 * Return: true if it does
 */
bool resv_facts_is_hole(const struct resv_region *r)
{
	return r->type == RESV_OUT_OF_RANGE ||
	       (resv_facts_is_listed(r) && r->type != RESV_DIRECT_RELAXABLE &&
		!(r->flags & RESV_F_EXCUSED));
}

/**
 * resv_facts_is_bar() - does a region keep VFIO from taking the group?
 * @r: region of a group's facts
 *
 * Since v6.6 the IOMMU core does not attach VFIO's domain to a device with a region of
 * type direct on its list (__iommu_device_set_domain(), EINVAL).  Before, only the
 * Intel driver refuses: it does not attach a device with an RMRR
 * (device_is_rmrr_locked() and its predecessors, EPERM).  The kernel's list does not
 * say whether a region is an RMRR; if the source of RMRRs was not asked, any direct
 * region may be one.
 *
 * Return: true if it does
 */
bool resv_facts_is_bar(const struct resv_region *r)
{
	if (r->type != RESV_DIRECT || !resv_facts_is_listed(r))
		return false;
	return RESV_HAVE(REQUIRE_DIRECT) || r->origin == RESV_ORIGIN_RMRR ||
	       (IS_ENABLED(CONFIG_X86) && r->origin == RESV_ORIGIN_KERNEL);
}

/**
 * resv_facts_soft_window() - find the movable MSI window on the devices' lists
 * @c: collection, with all devices collected
 * @window: set to the window
 *
 * Like vfio_iommu_has_sw_msi(): the window counts only if there is no region of type
 * msi; otherwise VFIO does not get a cookie.
 *
 * Return: true if there is one
 */
bool resv_facts_soft_window(const struct resv_facts *c,
			    struct resv_range *window)
{
	bool known = false;
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *r = &c->regions.r[i];

		if (r->type == RESV_MSI)
			return false;
		if (r->type == RESV_SW_MSI && !known) {
			window->start = r->start;
			window->end = r->end;
			known = true;
		}
	}
	return known;
}

/**
 * resv_facts_move_window() - move the window to where the group's list has it
 * @c: collection, with all devices collected
 * @to: the window as the group's list has it
 *
 * Return: 0 or -ENOMEM
 */
int resv_facts_move_window(struct resv_facts *c,
			   const struct resv_region *to)
{
	struct resv_set moved;
	unsigned int i;
	int ret = 0;

	resv_set_init(&moved);
	for (i = 0; !ret && i < c->regions.nr; i++) {
		struct resv_region r = c->regions.r[i];

		if (r.type == RESV_SW_MSI) {
			r.start = to->start;
			r.end = to->end;
		}
		ret = resv_set_add(&moved, &r);
	}
	if (ret) {
		resv_set_free(&moved);
		return ret;
	}
	resv_set_free(&c->regions);
	c->regions = moved;
	return 0;
}

static int add_out_of_range(struct resv_facts *c)
{
	int ret = 0;

	if (c->aperture.start > 0)
		ret = resv_facts_add(c, 0, 0, c->aperture.start - 1,
				     RESV_OUT_OF_RANGE, RESV_ORIGIN_APERTURE,
				       RESV_F_ADDED);
	if (!ret && c->aperture.end < ULLONG_MAX)
		ret = resv_facts_add(c, 0, c->aperture.end + 1, ULLONG_MAX,
				     RESV_OUT_OF_RANGE, RESV_ORIGIN_APERTURE,
				       RESV_F_ADDED);
	return ret;
}

static int find_usable(struct resv_facts *c)
{
	u32 mask = RESV_KERNEL_TYPES & ~RESV_TYPE(RESV_DIRECT_RELAXABLE);
	int ret;

	if (!c->aperture_known)
		return 0;
	if (c->taken_known) {
		ret = resv_ranges_complement(&c->usable, &c->aperture, 1,
					     &c->taken, mask);
		if (ret)
			return ret;
		c->usable_known = true;
	}
	return add_out_of_range(c);
}

/**
 * resv_facts_finish() - compute usable ranges after all sources were asked
 * @c: collection
 *
 * VFIO takes every region of the group's list out of the domain's aperture except the
 * relaxable ones (vfio_iommu_resv_exclude()).
 *
 * Return: 0 or -ENOMEM
 */
int resv_facts_finish(struct resv_facts *c)
{
	int ret = find_usable(c);
	unsigned int i;

	/* This module can check maps only if the list is known. */
	if (!RESV_HAVE(VFIO_IOVA_RANGE))
		c->checked &= c->taken_known;
	for (i = 0; !ret && c->checked && i < c->regions.nr; i++)
		if (resv_facts_is_hole(&c->regions.r[i]))
			c->regions.r[i].flags |= RESV_F_ENFORCED;
	return ret;
}
