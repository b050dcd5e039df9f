// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: there is a domain type IOMMU_DOMAIN_DMA_FQ.
 * Upstream: v5.15.  Without it the Intel driver does not choose the level of tables by
 * the type of a domain (first_level_by_default(type), v5.16, 5.15.99).  With it the driver
 * may or may not: RHEL 9.0 and 5.15.0 to 5.15.98 do not.  See src/source/aperture.c.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(bool, probe_domain_dma_fq, (struct iommu_domain *domain))
{
	return domain->type == IOMMU_DOMAIN_DMA_FQ;
}
