// SPDX-License-Identifier: GPL-2.0-only
/*
 * The regions that the running kernel reports: for each device, because the kernel's
 * reserved_regions merges the regions of a group and so loses which device causes a
 * region; and for the group, because VFIO uses that list.
 *
 * Before v4.11 the kernel has neither list.  Then this module makes the group's list from
 * the other sources, with the regions that drivers list since v5.4.  On x86 before v5.3
 * the kernel has only the group's list, and the other sources tell which device causes
 * which region.
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
 * Convert an entry of a kernel list.  Return: 0, or -EINVAL if the region is empty or
 * wraps, which drivers that take regions from firmware can report.
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

	/* No kernel without lists has a virtio IOMMU, so no other source has its regions. */
	if (!resv_native_list() && !compat_dev_is_behind(dev, COMPAT_VIRTIO_IOMMU))
		return 0;
	/* Ask without declared regions: the feature "declare" adds those to the facts. */
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
				dev_warn(dev, "invalid reserved region %pa+0x%zx type %d, ignored\n",
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

/* Is @r of the kernel's type of @d?  Kernels before v5.3 have no relaxable type. */
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

	/* The regions are sorted by start, so one pass can cover a merged region. */
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

/* The kernel lists this region, so mark it as native, not as added. */
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
 * The kernel has no lists of single devices: compare the group's list with what the other
 * sources report for each device.
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
			/* Since v5.3 drivers list regions that no other source knows. */
			if (!told_by_a_device(c, &r))
				ret = resv_facts_add(c, 0, r.start, r.end,
						     r.type, r.origin, r.flags);
		}
		kfree(region);
	}
	return ret;
}

/*
 * SMMU drivers of v4.12 to about v4.17 list the windows of the host bridge as reserved
 * (iommu_dma_get_resv_regions()).  VFIO did not check the list then, and the drivers
 * stopped listing the windows before it did, because guests have memory there.  So report
 * the windows as advice.
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

/* Put the regions of the devices' lists on the group's list. */
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

/* Make the group's list, if the kernel has none. */
static int list_group(struct resv_facts *c)
{
	int ret;

	/* Make no incomplete list: it would show missing regions as free. */
	if (!resv_sources_make_lists())
		return 0;
	ret = list_devices(c, RESV_ALL_TYPES);
	c->listed = !ret;
	c->taken_known = !ret;
	return ret;
}

/*
 * If the feature "window" moves the window only in the group's list, the devices' lists
 * still have it where the driver puts it.  VFIO uses the group's list, so report the
 * place that this list has.
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
			/* list_devices() below adds direct regions with the right type. */
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
		pr_warn("group %d: the kernel cannot list its regions (%d), so its usable ranges are not known\n",
			c->id, err);
	/*
	 * VFIO splits its ranges at an empty region, and overlaps them at one
	 * that wraps (vfio_iommu_resv_exclude()), so report no usable ranges.
	 */
	if (!sane && c->first)
		pr_warn("group %d: the kernel lists an invalid region, so the usable ranges are not known\n",
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
				"iommu_get_group_resv_regions, which reserved_regions and VFIO use");
	else if (resv_native_list())
		resv_status_unknown(f, "regions",
				    "no iommu_get_group_resv_regions: usable ranges are not known");
	else if (!resv_sources_make_lists())
		resv_status_add(f, "regions", RESV_STATUS_INERT,
				"sources= excludes some of kernel, dmar, ivrs, fixed and msi, from which reserved_regions is made");
	else
		resv_status_add(f, "regions", RESV_STATUS_ADDED,
				"reserved_regions is made from the other sources: this kernel has no list");
	if (resv_native_device_lists())
		resv_status_add(f, "region-devices", RESV_STATUS_ADDED,
				"which device causes a region, from the driver's list for each device");
	else
		resv_status_add(f, "region-devices", RESV_STATUS_ADDED,
				"which device causes a region, from firmware's tables");
	if (RESV_HAVE(RESV_RELAXABLE) && !resv_native_ignored)
		resv_status_add(f, "direct-relaxable", RESV_STATUS_NATIVE,
				"graphics and USB RMRRs do not prevent assignment");
	else
		resv_status_add(f, "direct-relaxable", RESV_STATUS_ADDED,
				"graphics and USB RMRRs are recognized, and maps over them are let through");
}

const struct resv_source resv_source_kernel = {
	.name = "kernel",
	.device = kernel_device,
	.group = kernel_group,
	.status = kernel_status,
};
