// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the core frees a device's list, by the exported iommu_put_resv_regions().
 * Upstream: v6.0 moved the freeing from the drivers into the core; before, the
 * symbol exists but is not exported, so modpost decides.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(void, probe_resv_put_core, (struct device *dev, struct list_head *head))
{
	iommu_put_resv_regions(dev, head);
}
