// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: dev_iommu_fwspec_get() returns a device's stream IDs.
 * Upstream: v5.0; before, dev->iommu_fwspec is a plain member.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(u32, probe_fwspec, (struct device *dev))
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->ids[fwspec->num_ids - 1] : 0;
}
