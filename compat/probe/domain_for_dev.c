// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_get_domain_for_dev() returns the domain that a device is attached to.
 * Upstream: v3.19 to v7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(struct iommu_domain *, probe_domain_for_dev, (struct device *dev))
{
	return iommu_get_domain_for_dev(dev);
}
