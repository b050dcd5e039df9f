// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: enum iommu_cap still has IOMMU_CAP_INTR_REMAP.
 * Upstream: removed in v6.3 by the isolated MSI series.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(enum iommu_cap, probe_cap_intr_remap, (void))
{
	return IOMMU_CAP_INTR_REMAP;
}
