// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_get_group_resv_regions() is exported.
 * Upstream: 6c65fb318e8b ("iommu: iommu_get_group_resv_regions"), v4.11.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(int, probe_group_resv_regions, (struct iommu_group *group, struct list_head *head))
{
	return iommu_get_group_resv_regions(group, head);
}
