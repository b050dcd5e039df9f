// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: while VFIO has opened a group and no domain of VFIO is attached, the group stays
 * attached to a blocking domain, so it never looks free between two domains.
 * Upstream: 1ea2a07a532b ("iommu: Add DMA ownership management interfaces"), v5.19.
 * Backports: RHEL 9.1.
 */
#include <linux/iommu.h>
#include "probe.h"

PROBE(int, probe_claim_dma_owner, (struct iommu_group *group, void *owner))
{
	return iommu_group_claim_dma_owner(group, owner);
}
