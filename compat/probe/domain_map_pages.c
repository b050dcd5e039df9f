// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a domain's operations have a function that maps several pages, which the IOMMU core
 * calls instead of map() where a driver has it.
 * Upstream: cacffb7f7b45 ("iommu: Add a map_pages() op for IOMMU drivers"), v5.15.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_domain_map_pages, (struct iommu_domain *domain))
{
	return domain->ops->map_pages;
}
