// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: struct iommu_domain carries its geometry, with inclusive aperture_end.
 * Upstream: every version from 4.4 to 7.3.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(dma_addr_t, probe_domain_geometry, (struct iommu_domain *domain))
{
	return domain->geometry.aperture_end - domain->geometry.aperture_start;
}
