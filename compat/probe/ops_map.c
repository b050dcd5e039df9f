// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a domain's operations are a struct iommu_ops, and its map() takes no flags for the
 * allocation of tables.
 * Upstream: 781ca2de89ba ("iommu: Add gfp parameter to iommu_ops::map"), v5.5 added them.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(int, probe_ops_map, (struct iommu_domain *domain))
{
	const struct iommu_ops *ops = domain->ops;

	return ops->map(domain, 0, 0, 4096, IOMMU_READ);
}
