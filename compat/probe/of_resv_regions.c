// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the kernel lists regions of the device tree (iommu-addresses).
 * Upstream: a5bf3cfce8cb ("iommu: Implement of_iommu_get_resv_regions()"), v6.3.
 */
#include <linux/device.h>
#include <linux/of_iommu.h>
#include "probe.h"

PROBE(void, probe_of_resv_regions, (struct device *dev, struct list_head *list))
{
	of_iommu_get_resv_regions(dev, list);
}
