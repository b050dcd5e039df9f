// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: mapping is split from syncing; iommu_map() warns about a domain without tables.
 * Upstream: "iommu: Split iommu_map()", v6.16.  Absent 6.12, seen 7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

/* The function is not exported; its declaration is enough. */
PROBE(unsigned int, probe_map_nosync, (struct iommu_domain *domain, unsigned long iova))
{
	return sizeof(iommu_map_nosync(domain, iova, 0, 4096, IOMMU_READ, GFP_KERNEL));
}
