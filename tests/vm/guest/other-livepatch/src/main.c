// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests with a livepatch of another module: it replaces the function that
 * lists a group's regions by one that does not sort and merge.
 */
#include <linux/iommu.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/version.h>

/* iommu_get_resv_regions() is exported since v6.2. */
static int one_device(struct device *dev, void *head)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
	dev->bus->iommu_ops->get_resv_regions(dev, head);
#else
	iommu_get_resv_regions(dev, head);
#endif
	return 0;
}

static int get_group_resv_regions(struct iommu_group *group,
				  struct list_head *head)
{
	return iommu_group_for_each_dev(group, head, one_device);
}

static struct klp_func funcs[] = {
	{
		.old_name = "iommu_get_group_resv_regions",
		.new_func = get_group_resv_regions,
	}, { }
};

static struct klp_object objects[] = {
	{
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init other_livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit other_livepatch_exit(void)
{
}

module_init(other_livepatch_init);
module_exit(other_livepatch_exit);

MODULE_DESCRIPTION("Another livepatch, for tests");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
