// SPDX-License-Identifier: GPL-2.0-only
/* Negative control: must not compile on any kernel. */
#include <linux/iommu.h>
#include "probe.h"

PROBE(int, probe_insane, (struct iommu_group *group))
{
	return iommu_group_of_a_kernel_that_never_was(group);
}
