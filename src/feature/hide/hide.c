// SPDX-License-Identifier: GPL-2.0-only
/*
 * native=ignore, in test builds only: VFIO and every other caller get an empty list of
 * reserved regions, so that a test can compare what the kernel does with what this module
 * does.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/slab.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "feature/hide/hide.h"
#include "source/native.h"

/**
 * struct listing - one call of iommu_get_group_resv_regions()
 * @head: the caller's list
 */
struct listing {
	struct list_head *head;
};

static bool enter_list(struct resv_call *call)
{
	struct listing *listing = call->data;

	listing->head = (void *)compat_argument(call->regs, 1);
	return true;
}

/*
 * Keep the first byte of the MSI window, because VFIO needs that entry to make the kernel
 * map doorbells.  Do not leave an entry of length 0, because VFIO of v7.x warns about it.
 */
static void leave_list(struct resv_call *call)
{
	const struct listing *listing = call->data;
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, listing->head, list) {
		if (region->type == IOMMU_RESV_SW_MSI) {
			region->length = 1;
			continue;
		}
		list_del(&region->list);
		kfree(region);
	}
}

static bool is_hidden(const struct list_head *head)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, head, list)
		if (region->length > 1)
			return false;
	return true;
}

static bool test_hidden(struct resv_hook *hook, struct iommu_group *group)
{
	return resv_tap_marked(hook, group, is_hidden);
}

static const struct resv_tap hide_tap = {
	.symbol = "iommu_get_group_resv_regions",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct listing),
	.enter = enter_list,
	.leave = leave_list,
	.test = test_hidden,
	.loss = "native=ignore does not hide the kernel's list",
};

static const struct resv_tap *const taps[] = {
	&hide_tap,
};

static bool hide_wanted(enum resv_hook_mode mode)
{
	return resv_native_ignored && mode != RESV_HOOKS_NONE;
}

static void hide_prepare(struct resv_facts *c)
{
	if (hide_wanted(resv_hooks_mode()))
		resv_tap_get(&hide_tap, 0, c->no_iommu ? NULL : c->group);
}

static void hide_run(void)
{
	if (resv_native_ignored)
		pr_warn("native=ignore is for tests: VFIO does not see the kernel's reserved regions; only this module refuses maps there\n");
}

const struct resv_feature resv_feature_hide = {
	.name = "native-ignored",
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.run = hide_run,
	.wanted = hide_wanted,
	.prepare = hide_prepare,
};
