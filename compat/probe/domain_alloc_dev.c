// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_paging_domain_alloc() allocates an unmanaged domain for a device.
 * Upstream: a27bf2743cb8 ("iommu: Add iommu_paging_domain_alloc() interface"), v6.11.
 * Since v6.13 an inline around iommu_paging_domain_alloc_flags(), which is exported.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(struct iommu_domain *, probe_domain_alloc_dev, (struct device *dev))
{
	return iommu_paging_domain_alloc(dev);
}
