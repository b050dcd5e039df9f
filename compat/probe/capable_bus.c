// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_capable() asks a bus for interrupt remapping.
 * Upstream: v3.18 on; seen 5.10, absent 6.1.  Some
 * kernels in between have both interfaces.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_capable_bus, (struct device *dev))
{
	return iommu_capable(dev->bus, IOMMU_CAP_INTR_REMAP);
}
