// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: there is struct iommu_resv_region, with a type.
 * Upstream: e5b5234a36ca ("iommu: Rename iommu_dm_regions into iommu_resv_regions")
 * and d30ddcaa7b02 ("iommu: Add a new type field in iommu_resv_region"), v4.11.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_resv_region, (struct iommu_resv_region *region))
{
	return region->type == IOMMU_RESV_MSI;
}
