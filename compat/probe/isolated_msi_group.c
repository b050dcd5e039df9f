// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: iommu_group_has_isolated_msi() answers for one group, as VFIO asks.
 * Upstream: the isolated MSI series, v6.3.  Absent 6.1, seen 6.12 and 7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_isolated_msi_group, (struct iommu_group *group))
{
	return iommu_group_has_isolated_msi(group);
}
