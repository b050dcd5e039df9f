// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a domain has the sizes of pages that it can map.
 * Upstream: "iommu: Allow selecting page sizes per domain", v4.7.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(unsigned long, probe_domain_pgsize, (struct iommu_domain *domain))
{
	return domain->pgsize_bitmap;
}
