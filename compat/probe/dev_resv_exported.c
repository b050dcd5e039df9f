// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_get_resv_regions(), the regions of one device, is exported.
 * Upstream: exported for iommufd, v6.2.  Absent 6.1, seen 6.12 and 7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(void, probe_dev_resv_exported, (struct device *dev, struct list_head *head))
{
	iommu_get_resv_regions(dev, head);
}
