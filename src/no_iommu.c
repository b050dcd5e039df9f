// SPDX-License-Identifier: GPL-2.0-only
/* The module for kernels without an IOMMU layer (CONFIG_IOMMU_API); it refuses to load. */
#include <linux/module.h>

static int __init resv_init(void)
{
	pr_err("this kernel was built without CONFIG_IOMMU_API, so it has no IOMMU groups and cannot pass devices through: boot another kernel\n");
	return -EOPNOTSUPP;
}
module_init(resv_init);

MODULE_DESCRIPTION("Reserved IOVA regions of IOMMU groups (kernel without IOMMUs)");
MODULE_AUTHOR("The iommu-resv developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(RESV_VERSION);
