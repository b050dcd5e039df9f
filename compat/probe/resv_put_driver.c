// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the driver frees a device's list, by ops->put_resv_regions, and the ops
 * are those of the bus.
 * Upstream: v4.11 to v5.19 (seen 4.14 to 5.10).  RHEL 8.1 on Intel frees only type MSI there.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(void, probe_resv_put_driver, (struct device *dev, struct list_head *head))
{
	dev->bus->iommu_ops->get_resv_regions(dev, head);
	dev->bus->iommu_ops->put_resv_regions(dev, head);
}
