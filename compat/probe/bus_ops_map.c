// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a bus has the operations of its IOMMU, with a function that maps one page.
 * Upstream: until 9a630a4b41a2 ("iommu: Split struct iommu_ops"), v5.18.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_bus_ops_map, (struct device *dev))
{
	return dev->bus->iommu_ops->map;
}
