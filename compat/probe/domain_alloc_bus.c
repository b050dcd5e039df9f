// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_domain_alloc() allocates an unmanaged domain for a bus.
 * Upstream: v3.x to v6.12; the result's geometry is final only after attach.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(struct iommu_domain *, probe_domain_alloc_bus, (struct device *dev))
{
	return iommu_domain_alloc(dev->bus);
}
