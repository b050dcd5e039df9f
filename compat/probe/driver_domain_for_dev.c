// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: callers that hold the group's mutex get the domain that a device is
 * attached to from iommu_driver_get_domain_for_dev(); iommu_get_domain_for_dev()
 * asserts on these kernels that its callers do not hold the mutex.
 * Upstream: absent 6.12, seen 7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(struct iommu_domain *, probe_driver_domain_for_dev, (struct device *dev))
{
	return iommu_driver_get_domain_for_dev(dev);
}
