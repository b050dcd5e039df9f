// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a device's IOMMU ops are reached by dev->iommu->iommu_dev->ops.
 * Upstream: dev->iommu since v5.7, iommu_dev in it since v5.8.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(const struct iommu_ops *, probe_ops_of_iommu_device, (struct device *dev))
{
	return dev->iommu->iommu_dev->ops;
}
