// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: enum iommu_resv_type has IOMMU_RESV_DIRECT_RELAXABLE, that is, RMRRs of
 * graphics and USB devices do not prevent assignment.
 * Upstream: adfd37382090 ("iommu: Introduce IOMMU_RESV_DIRECT_RELAXABLE reserved
 * memory regions"), v5.3.  RHEL 8.1 (4.18.0-147) does not have it.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_resv_relaxable, (struct iommu_resv_region *region))
{
	return region->type == IOMMU_RESV_DIRECT_RELAXABLE;
}
