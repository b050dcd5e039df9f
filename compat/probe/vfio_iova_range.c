// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: VFIO type1 reports its usable IOVA ranges, and also refuses maps and
 * attaches that overlap a reserved region or leave the aperture.
 * Upstream: a717072007e8 ("vfio/type1: Add IOVA range capability support"), v5.4,
 * end of the series that brought the checks; SUSE backported all of it to 5.3.
 */
#include <linux/vfio.h>
#include "probe.h"

PROBE(int, probe_vfio_iova_range, (struct vfio_iommu_type1_info_cap_iova_range *cap))
{
	return cap->nr_iovas == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
}
