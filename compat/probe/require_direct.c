// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the kernel never gives VFIO a device with a region of type direct, whatever IOMMU
 * translates for it.  Before, only the Intel driver refuses, for RMRRs.
 * Upstream: a48ce36e2786 ("iommu: Prevent RESV_DIRECT devices from blocking domains"),
 * v6.6.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_require_direct, (struct device *dev))
{
	return dev->iommu->require_direct;
}
