// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: there is a domain type IOMMU_DOMAIN_DMA_FQ.
 * Upstream: v5.15.  Stands in for the nearest thing that can be probed to the
 * Intel driver choosing first or second level by the type of a domain
 * (first_level_by_default(type): absent 5.10, seen 6.1 and 6.12).
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_domain_dma_fq, (struct iommu_domain *domain))
{
	return domain->type == IOMMU_DOMAIN_DMA_FQ;
}
