// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running kernel itself reports: per device, because its own
 * reserved_regions merges over the group and so loses who causes a region,
 * and per group, because that list is what VFIO goes by.
 *
 * Before v4.11 there is neither.  Then the group's list is what the other sources
 * say that drivers since v5.4 list.  On x86 before v5.3 there is only the group's,
 * and they say which device causes what.
 */
#include "compat/iommu.h"
#include "hook/engine.h"
#include "source/native.h"
#include "source/source.h"

/* The enum's values moved in v5.3: translate by name (see region.h). */
static int type_of(const struct iommu_resv_region *region, enum resv_type *type)
{
	if (compat_resv_is_relaxable(region)) {
		*type = RESV_DIRECT_RELAXABLE;
		return 0;
	}
	switch (region->type) {
	case IOMMU_RESV_DIRECT:
		*type = RESV_DIRECT;
		return 0;
	case IOMMU_RESV_RESERVED:
		*type = RESV_RESERVED;
		return 0;
	case IOMMU_RESV_MSI:
		*type = RESV_MSI;
		return 0;
	case IOMMU_RESV_SW_MSI:
		*type = RESV_SW_MSI;
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * One entry of a kernel list, or -EINVAL.  A driver that takes its regions
 * from firmware can report an empty one, or one that wraps.
 */
static int region_of(const struct iommu_resv_region *region,
		     struct resv_region *r)
{
	enum resv_type type;

	if (!region->length || type_of(region, &type))
		return -EINVAL;
	r->start = region->start;
	r->end = region->start + (region->length - 1);
	if (r->end < r->start)
		return -EINVAL;
	r->type = type;
	r->origin = type == RESV_SW_MSI ? RESV_ORIGIN_WINDOW : RESV_ORIGIN_KERNEL;
	r->flags = 0;
	return 0;
}

static int kernel_device(struct resv_facts *c, struct device *dev)
{
	struct iommu_resv_region *region;
	struct resv_bypass bypass;
	struct resv_region r;
	LIST_HEAD(head);
	int name, ret;

	/* No kernel without lists knows these, so nobody else makes them. */
	if (!resv_native_list() && !compat_dev_is_behind(dev, COMPAT_VIRTIO_IOMMU))
		return 0;
	/* What the admin declared is told by who knows it: source_admin.c. */
	resv_bypass_begin(&bypass);
	ret = compat_iommu_get_resv_regions(dev, &head);
	resv_bypass_end(&bypass);
	if (ret)
		return 0;
	name = resv_facts_name(c, dev_name(dev));
	ret = name < 0 ? name : 0;
	list_for_each_entry(region, &head, list) {
		if (ret)
			break;
		if (region_of(region, &r)) {
			if (c->first)
				dev_warn(dev, "reserved region %pa+0x%zx type %d makes no sense, left out\n",
					 &region->start, region->length,
					 region->type);
			continue;
		}
		ret = resv_facts_add(c, name, r.start, r.end, r.type,
				     r.origin, r.flags);
	}
	compat_iommu_put_resv_regions(dev, &head);
	return ret;
}

/* Does the kernel mean the same by @r?  Before v5.3 it has no relaxable type. */
static bool is_same_type(const struct resv_region *d, const struct resv_region *r)
{
	return d->type == r->type ||
	       (!RESV_HAVE(RESV_RELAXABLE) && r->type == RESV_DIRECT &&
		d->type == RESV_DIRECT_RELAXABLE);
}

static bool told_by_a_device(const struct resv_facts *c,
			     const struct resv_region *r)
{
	u64 start = r->start;
	unsigned int i;

	/* Sorted by start, so one pass can follow a region that was merged. */
	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *d = &c->regions.r[i];

		if (!is_same_type(d, r) || d->start > start || d->end < start)
			continue;
		if (d->end >= r->end)
			return true;
		start = d->end + 1;
	}
	return false;
}

/* The kernel has a region of its own there, so it is not we who add it. */
static void confirm(struct resv_facts *c, const struct resv_region *r)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		struct resv_region *d = &c->regions.r[i];

		if ((d->flags & RESV_F_LISTED) && is_same_type(d, r) &&
		    d->start >= r->start && d->end <= r->end)
			d->flags = 0;
	}
}

/*
 * Where no list of single devices can be had: what the drivers list for the group,
 * against what the other sources say of each device.
 */
static int undivided_group(struct resv_facts *c)
{
	struct iommu_resv_region *region, *next;
	struct resv_region r = { 0 };
	struct resv_bypass bypass;
	LIST_HEAD(head);
	int ret = 0;

	resv_bypass_begin(&bypass);
	compat_iommu_get_group_resv_regions(c->group, &head);
	resv_bypass_end(&bypass);
	list_for_each_entry_safe(region, next, &head, list) {
		if (!ret && !region_of(region, &r)) {
			confirm(c, &r);
			/* Since v5.3 drivers list some that no other source tells of. */
			if (!told_by_a_device(c, &r))
				ret = resv_facts_add(c, 0, r.start, r.end,
						     r.type, r.origin, r.flags);
		}
		kfree(region);
	}
	return ret;
}

/*
 * SMMU drivers of v4.12 to v4.17 or so list the windows of the host bridge as reserved
 * (iommu_dma_get_resv_regions()).  VFIO of then did not check them, and they were taken
 * back before it did, as guests have memory there: so they are advice.
 */
static bool is_window(const struct resv_facts *c, const struct resv_region *r)
{
	unsigned int i;

	if (RESV_HAVE(VFIO_IOVA_RANGE) || r->type != RESV_RESERVED)
		return false;
	for (i = 0; i < c->bridges.nr; i++)
		if (c->bridges.r[i].start == r->start &&
		    c->bridges.r[i].end == r->end)
			return true;
	return false;
}

static void excuse_windows(struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		struct resv_region *r = &c->regions.r[i];

		if (!(r->flags & RESV_F_ADDED) && is_window(c, r)) {
			r->origin = RESV_ORIGIN_BRIDGE;
			r->flags |= RESV_F_EXCUSED;
		}
	}
}

/* What is on the lists of the group's devices is on that of the group. */
static int list_devices(struct resv_facts *c, u32 typemask)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < c->regions.nr; i++)
		if ((typemask & RESV_TYPE(c->regions.r[i].type)) &&
		    resv_facts_is_listed(&c->regions.r[i]))
			ret = resv_set_merge_one(&c->taken, &c->regions.r[i]);
	return ret;
}

/* The group's list where this module makes it. */
static int list_group(struct resv_facts *c)
{
	int ret;

	/* Half a list says that the rest is free. */
	if (!resv_sources_make_lists())
		return 0;
	ret = list_devices(c, RESV_ALL_TYPES);
	c->listed = !ret;
	c->taken_known = !ret;
	return ret;
}

/*
 * A window that is moved in the list of the group only (msi_window.c): the lists
 * of its devices, which nobody goes by then, have it where the driver puts it.
 */
static int follow_window(struct resv_facts *c, struct list_head *head)
{
	struct iommu_resv_region *region;
	struct resv_range listed;
	struct resv_region r;

	if (!resv_facts_soft_window(c, &listed))
		return 0;
	list_for_each_entry(region, head, list)
		if (!region_of(region, &r) && r.type == RESV_SW_MSI)
			return r.start == listed.start && r.end == listed.end ?
				0 : resv_facts_move_window(c, &r);
	return 0;
}

static int kernel_group(struct resv_facts *c)
{
	struct iommu_resv_region *region, *next;
	struct resv_region r = { 0 };
	LIST_HEAD(head);
	bool sane = true;
	int err, ret = 0;

	if (c->own_list)
		return list_group(c);
	if (c->own_devices)
		ret = undivided_group(c);
	err = compat_iommu_get_group_resv_regions(c->group, &head);
	if (!ret && !err)
		ret = follow_window(c, &head);
	list_for_each_entry_safe(region, next, &head, list) {
		if (ret || err) {
			;
		} else if (region_of(region, &r)) {
			sane = false;
		} else {
			/* Which of its direct regions are relaxable we know. */
			if ((!c->own_devices || r.type != RESV_DIRECT) &&
			    !is_window(c, &r))
				ret = resv_set_merge_one(&c->taken, &r);
			if (!ret && !told_by_a_device(c, &r))
				ret = resv_facts_add(c, 0, r.start, r.end,
						     r.type, r.origin, r.flags);
		}
		kfree(region);
	}
	if (err && err != -EOPNOTSUPP && c->first)
		pr_warn("group %d: the kernel cannot list its regions (%d), so usable ranges are not told\n",
			c->id, err);
	/*
	 * VFIO splits its ranges at an empty region, and overlaps them at one
	 * that wraps (vfio_iommu_resv_exclude()): better to tell none.
	 */
	if (!sane && c->first)
		pr_warn("group %d: the kernel lists a region that makes no sense, so usable ranges are not told\n",
			c->id);
	if (!ret && c->own_devices)
		ret = list_devices(c, RESV_TYPE(RESV_DIRECT) |
				      RESV_TYPE(RESV_DIRECT_RELAXABLE));
	excuse_windows(c);
	c->listed = !err && !ret;
	c->taken_known = c->listed && sane;
	return ret;
}

static void kernel_status(struct resv_status *f)
{
	if (resv_native_list() && RESV_HAVE(GROUP_RESV_REGIONS))
		resv_status_add(f, "regions", RESV_STATUS_NATIVE,
				"iommu_get_group_resv_regions, what reserved_regions and VFIO use");
	else if (resv_native_list())
		resv_status_unknown(f, "regions",
				    "no iommu_get_group_resv_regions: usable ranges cannot be told");
	else if (!resv_sources_make_lists())
		resv_status_add(f, "regions", RESV_STATUS_INERT,
				"sources= leaves out some of kernel, dmar, ivrs, fixed and msi, of which reserved_regions is made");
	else
		resv_status_add(f, "regions", RESV_STATUS_ADDED,
				"reserved_regions, from the other sources: this kernel lists nothing");
	if (resv_native_device_lists())
		resv_status_add(f, "region-devices", RESV_STATUS_ADDED,
				"which device causes a region, from the driver's list of each");
	else
		resv_status_add(f, "region-devices", RESV_STATUS_ADDED,
				"which device causes a region, from firmware's tables");
	if (RESV_HAVE(RESV_RELAXABLE) && !resv_native_ignored)
		resv_status_add(f, "direct-relaxable", RESV_STATUS_NATIVE,
				"graphics and USB RMRRs do not stop assignment");
	else
		resv_status_add(f, "direct-relaxable", RESV_STATUS_ADDED,
				"graphics and USB RMRRs are told apart, and maps over them let through");
}

const struct resv_source resv_source_kernel = {
	.name = "kernel",
	.device = kernel_device,
	.group = kernel_group,
	.status = kernel_status,
};
