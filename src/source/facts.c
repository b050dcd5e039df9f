// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gathers what the sources emit about one group and brings it together: which
 * fact explains which, what is left for a guest.  Knows no hardware.
 *
 * Everything here may sleep and is called by one task at a time.
 */
#include <linux/mm.h>
#include "compat/compat.h"
#include "source/facts.h"

#define PAGE_4K		4096ULL

/**
 * resv_facts_init() - start with nothing known
 * @c: uninitialised
 * @group: the group
 * @id: its number
 *
 * Return: 0 or -ENOMEM; on error there is nothing to free
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
 * resv_facts_free() - forget everything
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
 * resv_facts_name() - number of a device name, for struct resv_region
 * @c: collection
 * @name: dev_name() of the device
 *
 * Return: the offset, which is the same for the same name, or -ENOMEM
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

/* One more number in a list, which has room for a power of two of them. */
static int add_number(u32 **list, unsigned int *nr, u32 number)
{
	u32 *more;

	/* It is full when that is their number. */
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
 * resv_facts_device() - one more device of the group
 * @c: facts
 * @name: dev_name() of the device
 * @model: resv_hw_model() of it
 *
 * Return: resv_facts_name() of it, or -ENOMEM
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
 * resv_facts_iommu() - an IOMMU translates for a device of the group
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
 * resv_facts_add() - one more fact
 * @c: collection
 * @name: resv_facts_name() of the device that causes it, 0 for the group
 * @start: first address
 * @end: last address, inclusive
 * @type: type
 * @origin: who says so
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
 * resv_facts_explain() - tell where a region that the kernel reports is from
 * @c: collection
 * @name: the device
 * @start: first address of the fact behind it
 * @end: last address, inclusive
 * @typemask: types the kernel may have made of it
 * @origin: who says so
 *
 * The kernel rounds firmware's addresses to pages (VT-d and AMD to 4 KiB at
 * least), so a region is explained by a fact that fills it but for less than
 * a page at each end.
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
 * resv_facts_mark() - say more about regions that are listed
 * @c: collection, its devices and its group's list asked
 * @start: first address of the regions
 * @end: last address, inclusive
 * @typemask: their types
 * @flags: RESV_F_*, which they get
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
 * resv_facts_claim() - a region that the IOMMU's driver lists for a device
 * @c: collection
 * @name: the device
 * @start: first address
 * @end: last address, inclusive
 * @type: what drivers since v5.3 make of it
 * @origin: who says so
 *
 * Explains the kernel's own region if there is one.  Else it goes on the
 * device's list, if this module makes that, or is added as advice: nobody refuses
 * a map there.
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
 * resv_facts_advise() - a region that firmware declares for a device
 * @c: collection
 * @name: the device
 * @start: first address
 * @end: last address, inclusive
 * @type: what a kernel that knows this table makes of it
 * @origin: the table
 *
 * As resv_facts_claim(), but it never goes on the list: no driver of the
 * kernels whose lists this module makes has it there.
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
 * Return: true if the kernel, or this module, puts it there
 */
bool resv_facts_is_listed(const struct resv_region *r)
{
	return (RESV_KERNEL_TYPES & RESV_TYPE(r->type)) &&
	       (!(r->flags & RESV_F_ADDED) || (r->flags & RESV_F_LISTED));
}

/**
 * resv_facts_is_hole() - are maps refused there, where maps are checked?
 * @r: region of a group's facts
 *
 * Return: true if they are
 */
bool resv_facts_is_hole(const struct resv_region *r)
{
	return r->type == RESV_OUT_OF_RANGE ||
	       (resv_facts_is_listed(r) && r->type != RESV_DIRECT_RELAXABLE &&
		!(r->flags & RESV_F_EXCUSED));
}

/**
 * resv_facts_is_bar() - does VFIO not get a group because of a region?
 * @r: region of a group's facts
 *
 * Since v6.6 the IOMMU core gives no device away that has a region of type direct on
 * its list (__iommu_device_set_domain(), EINVAL).  Before, the Intel driver attaches no
 * domain of VFIO's to a device with an RMRR (device_is_rmrr_locked() and its
 * predecessors, EPERM), and nobody else cares.  The kernel's list does not say that a
 * region is an RMRR; where the source of RMRRs was not asked it may be one.
 *
 * Return: true if so
 */
bool resv_facts_is_bar(const struct resv_region *r)
{
	if (r->type != RESV_DIRECT || !resv_facts_is_listed(r))
		return false;
	return RESV_HAVE(REQUIRE_DIRECT) || r->origin == RESV_ORIGIN_RMRR ||
	       (IS_ENABLED(CONFIG_X86) && r->origin == RESV_ORIGIN_KERNEL);
}

/**
 * resv_facts_soft_window() - the movable MSI window, as the devices list it
 * @c: collection, its devices asked
 * @window: set to the window
 *
 * Like vfio_iommu_has_sw_msi(): it counts only where no region of the hardware
 * takes the messages, or else VFIO makes no cookie.
 *
 * Return: there is one
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
 * resv_facts_move_window() - the group's list has the window elsewhere
 * @c: collection, its devices asked
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
 * resv_facts_finish() - what is left, once every source was asked
 * @c: collection
 *
 * VFIO takes every region of the group list out of the domain's aperture but
 * for the relaxable ones (vfio_iommu_resv_exclude()).
 *
 * Return: 0 or -ENOMEM
 */
int resv_facts_finish(struct resv_facts *c)
{
	int ret = find_usable(c);
	unsigned int i;

	/* Without knowing the list nobody can check by it. */
	if (!RESV_HAVE(VFIO_IOVA_RANGE))
		c->checked &= c->taken_known;
	for (i = 0; !ret && c->checked && i < c->regions.nr; i++)
		if (resv_facts_is_hole(&c->regions.r[i]))
			c->regions.r[i].flags |= RESV_F_ENFORCED;
	return ret;
}
