// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: dev->iommu->iommu_dev->ops has the ops of a device's IOMMU.
 * Upstream: dev->iommu since v5.7, iommu_dev in it since v5.8.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(const struct iommu_ops *, probe_ops_of_iommu_device, (struct device *dev))
{
	return dev->iommu->iommu_dev->ops;
}
