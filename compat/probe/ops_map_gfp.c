// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a domain's operations are a struct iommu_ops, and its map() takes flags for the
 * allocation of tables.
 * Upstream: 781ca2de89ba ("iommu: Add gfp parameter to iommu_ops::map"), v5.5;
 * 9a630a4b41a2 ("iommu: Split struct iommu_ops"), v5.18 moved it away.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(int, probe_ops_map_gfp, (struct iommu_domain *domain))
{
	const struct iommu_ops *ops = domain->ops;

	return ops->map(domain, 0, 0, 4096, IOMMU_READ, GFP_KERNEL);
}
