// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: an entry of a device's list has a function of its own that frees it.
 * Upstream: "iommu: Introduce a callback to struct iommu_resv_region", v6.0.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(void, probe_resv_free, (struct iommu_resv_region *region, struct device *dev))
{
	BUILD_BUG_ON(!__same_type(region->free,
				  void (*)(struct device *, struct iommu_resv_region *)));
	region->free(dev, region);
}
