// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running kernel itself reports: per device, because its own
 * reserved_regions merges over the group and so loses who causes a region,
 * and per group, because that list is what VFIO goes by.
 */
#include "compat/iommu.h"
#include "declared.h"
#include "source.h"

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
	/* VFIO maps over relaxable regions, and checks nothing before v5.4. */
	if (RESV_HAVE(VFIO_IOVA_RANGE) && type != RESV_DIRECT_RELAXABLE)
		r->flags |= RESV_F_ENFORCED;
	return 0;
}

static int kernel_device(struct resv_collect *c, struct device *dev)
{
	struct iommu_resv_region *region;
	struct resv_region r;
	LIST_HEAD(head);
	int name, ret;

	/* What the admin declared is told by who knows it: source_admin.c. */
	resv_declared_hide(true);
	ret = compat_iommu_get_resv_regions(dev, &head);
	resv_declared_hide(false);
	if (ret)
		return 0;
	name = resv_collect_name(c, dev_name(dev));
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
		ret = resv_collect_add(c, name, r.start, r.end, r.type,
				       r.origin, r.flags);
	}
	compat_iommu_put_resv_regions(dev, &head);
	return ret;
}

static bool told_by_a_device(const struct resv_collect *c,
			     const struct resv_region *r)
{
	u64 start = r->start;
	unsigned int i;

	/* Sorted by start, so one pass can follow a region that was merged. */
	for (i = 0; i < c->regions.nr; i++) {
		const struct resv_region *d = &c->regions.r[i];

		if (d->type != r->type || d->start > start || d->end < start)
			continue;
		if (d->end >= r->end)
			return true;
		start = d->end + 1;
	}
	return false;
}

/* Where no list of single devices can be had: what the drivers alone list. */
static int undivided_group(struct resv_collect *c)
{
	struct iommu_resv_region *region, *next;
	struct resv_region r = { 0 };
	LIST_HEAD(head);
	int ret = 0;

	resv_declared_hide(true);
	compat_iommu_get_group_resv_regions(c->group, &head);
	resv_declared_hide(false);
	list_for_each_entry_safe(region, next, &head, list) {
		if (!ret && !region_of(region, &r))
			ret = resv_collect_add(c, 0, r.start, r.end, r.type,
					       r.origin, r.flags);
		kfree(region);
	}
	return ret;
}

/*
 * A window that is moved in the list of the group only (msi_window.c): the lists
 * of its devices, which nobody goes by then, have it where the driver puts it.
 */
static int follow_window(struct resv_collect *c, struct list_head *head)
{
	struct iommu_resv_region *region;
	struct resv_range listed;
	struct resv_region r;

	if (!resv_collect_soft_window(c, &listed))
		return 0;
	list_for_each_entry(region, head, list)
		if (!region_of(region, &r) && r.type == RESV_SW_MSI)
			return r.start == listed.start && r.end == listed.end ?
				0 : resv_collect_move_window(c, &r);
	return 0;
}

static int kernel_group(struct resv_collect *c)
{
	struct iommu_resv_region *region, *next;
	struct resv_region r = { 0 };
	LIST_HEAD(head);
	bool sane = true;
	int err, ret = 0;

	if (!COMPAT_HAS_DEVICE_REGIONS)
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
			ret = resv_set_merge_one(&c->taken, &r);
			if (!ret && !told_by_a_device(c, &r))
				ret = resv_collect_add(c, 0, r.start, r.end,
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
	c->listed = !err && !ret;
	c->taken_known = c->listed && sane;
	return ret;
}

static void kernel_features(struct resv_features *f)
{
	if (RESV_HAVE(GROUP_RESV_REGIONS))
		resv_feature_add(f, "regions", RESV_FEATURE_NATIVE,
				 "iommu_get_group_resv_regions, what reserved_regions and VFIO use");
	else
		resv_feature_unknown(f, "regions",
				     "no iommu_get_group_resv_regions: usable ranges cannot be told");
	if (COMPAT_HAS_DEVICE_REGIONS)
		resv_feature_add(f, "region-devices", RESV_FEATURE_ADDED,
				 "which device causes a region, from the driver's list of each");
	else
		resv_feature_unknown(f, "region-devices",
				     "unknown way to get and free a device's list: regions show no device");
	if (RESV_HAVE(RESV_RELAXABLE))
		resv_feature_add(f, "direct-relaxable", RESV_FEATURE_NATIVE,
				 "graphics and USB RMRRs do not stop assignment");
	else
		resv_feature_add(f, "direct-relaxable", RESV_FEATURE_INERT,
				 "kernel older than 5.3: graphics and USB RMRRs stop assignment like all others");
	if (RESV_HAVE(VFIO_IOVA_RANGE))
		resv_feature_add(f, "map-checks", RESV_FEATURE_NATIVE,
				 "VFIO refuses maps that hit a region or leave the aperture");
	else
		resv_feature_add(f, "map-checks", RESV_FEATURE_INERT,
				 "kernel older than 5.4: VFIO accepts maps over reserved regions");
}

const struct resv_source resv_source_kernel = {
	.name = "kernel",
	.device = kernel_device,
	.group = kernel_group,
	.features = kernel_features,
};
