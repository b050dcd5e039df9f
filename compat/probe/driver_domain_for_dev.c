// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_driver_get_domain_for_dev() tells the domain a device is attached
 * to, to callers that hold the group's mutex; iommu_get_domain_for_dev() then
 * asserts that they do not.
 * Upstream: absent 6.12, seen 7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(struct iommu_domain *, probe_driver_domain_for_dev, (struct device *dev))
{
	return iommu_driver_get_domain_for_dev(dev);
}
