// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: device_iommu_capable() asks a device for capabilities.
 * Upstream: absent 5.10, seen 6.1 and later.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_capable_device, (struct device *dev))
{
	return device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY);
}
