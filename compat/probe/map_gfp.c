// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_map() takes flags for the allocation of tables.
 * Upstream: 1369459b2e21 ("iommu: Add a gfp parameter to iommu_map()"), v6.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(int, probe_map_gfp, (struct iommu_domain *domain))
{
	return iommu_map(domain, 0, 0, 4096, IOMMU_READ, GFP_KERNEL);
}
