// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a domain's operations have a function that maps one page.
 * Upstream: until c8ab4f82 ("iommu: Remove map/unmap"), v6.3; since then only map_pages.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_domain_map, (struct iommu_domain *domain))
{
	return domain->ops->map && domain->ops->iova_to_phys;
}
