// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu_resv_livepatch replaces iommu_get_group_resv_regions(), which the file
 * reserved_regions and VFIO's type 1 call, by code that does the same with exported
 * functions.  Where the kernel has iommufd, it also replaces iommu_get_resv_regions(),
 * which iommufd calls for single devices.  On kernels without iommufd, DMA domains, which
 * also list single devices, do not see the added regions.
 *
 * Unlike a tap, the replacement can sleep.  So if memory is short, it can return an
 * error instead of leaving out a region; it could also change or drop entries.  The
 * list of a device cannot return an error, so there it waits for memory.
 *
 * The replacement is complete: the kernel's functions do nothing but the walk below and
 * one call of the driver (drivers/iommu/iommu.c, compared in 5.10, 6.1, 6.12 and 7.3).
 * iommu_group_for_each_dev() takes the group's mutex, as the original does.
 */
#include <linux/iommu.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/klp.h"
#include "hook/livepatch.h"
#include "hook/fault.h"
#include "hook/list.h"

#if COMPAT_HAS_KLP && defined(RESV_HAVE_KTYPE_GROUPS) && \
	COMPAT_HAS_DEVICE_REGIONS && defined(RESV_HAVE_RESV_RELAXABLE)

#define TARGET	"iommu_get_group_resv_regions"

/**
 * struct walk - state of the walk over the devices of one group
 * @head: list of the caller
 * @mark: this is the self-test
 * @end: the walk has met a device without an IOMMU, where the kernel stops
 */
struct walk {
	struct list_head *head;
	bool mark;
	bool end;
};

/*
 * v6.1 stops at the first device without dev->iommu, later kernels at the first
 * without dev->iommu->iommu_dev as well (dev_has_iommu()), where 6.1 would oops.
 */
static bool no_iommu(struct device *dev)
{
#ifdef RESV_HAVE_OPS_OF_IOMMU_DEVICE
	return !compat_dev_iommu_device(dev);
#else
	return false;
#endif
}

/* A copy for the group's list: the caller frees each entry by kfree(). */
static struct iommu_resv_region *copy_of(const struct iommu_resv_region *region)
{
	struct iommu_resv_region *copy = kzalloc(sizeof(*copy), GFP_KERNEL);

	if (!copy)
		return NULL;
	copy->start = region->start;
	copy->length = region->length;
	copy->prot = region->prot;
	copy->type = region->type;
	return copy;
}

static int one_device(struct device *dev, void *data)
{
	struct iommu_resv_region *region, *copy, *next;
	struct walk *walk = data;
	unsigned long callback;
	LIST_HEAD(absorbed);
	LIST_HEAD(list);
	int ret;

	if (walk->end || no_iommu(dev)) {
		walk->end = true;
		return 0;
	}
	ret = compat_driver_get_resv_regions(dev, &list);
	/* A device of an mdev bus has a group and no IOMMU. */
	if (!ret && !compat_dev_resv_callback(dev, &callback))
		ret = resv_livepatch_append(dev, &list, walk->mark, GFP_KERNEL);
	list_for_each_entry(region, &list, list) {
		if (ret)
			break;
		copy = copy_of(region);
		if (copy)
			resv_list_insert(walk->head, copy, &absorbed);
		else
			ret = -ENOMEM;
	}
	list_for_each_entry_safe(region, next, &absorbed, list)
		kfree(region);
	compat_iommu_put_resv_regions(dev, &list);
	return ret;
}

static int get_group_resv_regions(struct iommu_group *group,
				  struct list_head *head)
{
	struct walk walk = {
		.head = head,
		.mark = resv_livepatch_hit(),
	};

	return iommu_group_for_each_dev(group, &walk, one_device);
}

#if IS_ENABLED(CONFIG_IOMMUFD)
/* Cannot return an error, and the caller takes the list as complete: wait for memory. */
static void get_device_resv_regions(struct device *dev, struct list_head *head)
{
	unsigned long callback;

	compat_driver_get_resv_regions(dev, head);
	if (!compat_dev_resv_callback(dev, &callback))
		resv_livepatch_append(dev, head, resv_livepatch_hit(),
				      GFP_KERNEL | __GFP_NOFAIL);
}
#endif

static void post_patch(struct klp_object *object)
{
	resv_livepatch_event(RESV_LIVEPATCH_PATCHED);
}

static void pre_unpatch(struct klp_object *object)
{
	resv_livepatch_event(RESV_LIVEPATCH_UNPATCHING);
}

static void post_unpatch(struct klp_object *object)
{
	resv_livepatch_event(RESV_LIVEPATCH_UNPATCHED);
}

static struct klp_func funcs[] = {
	{
		.old_name = TARGET,
		.new_func = get_group_resv_regions,
	},
#if IS_ENABLED(CONFIG_IOMMUFD)
	{
		.old_name = "iommu_get_resv_regions",
		.new_func = get_device_resv_regions,
	},
#endif
	{ }
};

static struct klp_object objects[] = {
	{
		/* No name: the kernel itself. */
		.funcs = funcs,
		.callbacks = {
			.post_patch = post_patch,
			.pre_unpatch = pre_unpatch,
			.post_unpatch = post_unpatch,
		},
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

/*
 * Do what "echo 0 > /sys/kernel/livepatch/iommu_resv_livepatch/enabled" does, by calling
 * the file's store(): klp_disable_patch() is not exported since v5.1.
 */
static int disable(void)
{
	const struct attribute_group *const *group;
	struct attribute **attr;
	ssize_t ret;

	group = (void *)patch.kobj.ktype->default_groups;
	for (; group && *group; group++)
		for (attr = (*group)->attrs; attr && *attr; attr++) {
			struct kobj_attribute *file;

			if (strcmp((*attr)->name, "enabled"))
				continue;
			file = container_of(*attr, struct kobj_attribute, attr);
			ret = file->store(&patch.kobj, file, "0", 1);
			return ret < 0 ? ret : 0;
		}
	return -EOPNOTSUPP;
}

static const struct resv_livepatch livepatch = {
	.version = RESV_VERSION,
	.disable = disable,
};

#ifdef RESV_TEST
static char symbol[64];
module_param_string(test_symbol, symbol, sizeof(symbol), 0444);
MODULE_PARM_DESC(test_symbol, "function to replace by one that does nothing");

static void get_resv_regions(struct device *dev, struct list_head *head)
{
	/* Do not call the original by its symbol: that would call this function. */
	resv_livepatch_hit();
}

static void change_target(void)
{
	if (!symbol[0])
		return;
	funcs[0].old_name = symbol;
	funcs[0].new_func = get_resv_regions;
}
#else
static void change_target(void) { }
#endif

static int __init iommu_resv_livepatch_init(void)
{
	int ret;

	change_target();
	ret = resv_livepatch_register(&livepatch, funcs[0].old_name);
	if (ret)
		return ret;
	ret = resv_test_step("klp_enable_patch") ?: klp_enable_patch(&patch);
	if (ret) {
		resv_livepatch_unregister(ret);
		pr_err("the kernel does not accept the livepatch (%d): %s\n",
		       ret, ret == -EBUSY ?
		       TARGET " is already redirected" : "see above");
	}
	return ret;
}

static void __exit iommu_resv_livepatch_exit(void)
{
	resv_livepatch_unregister(0);
}

#else

static int __init iommu_resv_livepatch_init(void)
{
	pr_err("not loading: this kernel has an unknown interface for livepatches, use hooks=kprobe\n");
	return -EOPNOTSUPP;
}

static void __exit iommu_resv_livepatch_exit(void)
{
}

#endif

module_init(iommu_resv_livepatch_init);
module_exit(iommu_resv_livepatch_exit);

MODULE_AUTHOR("The iommu-resv developers");
MODULE_DESCRIPTION("Lists of reserved IOVA regions by a livepatch, for iommu_resv");
MODULE_LICENSE("GPL");
MODULE_VERSION(RESV_VERSION);
MODULE_INFO(livepatch, "Y");
