// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the kernel sorts and merges its own lists of struct iommu_resv_region.
 *
 * A copy of iommu_insert_resv_region() of kernel 5.4 and later, which no kernel exports
 * (drivers/iommu/iommu.c, the same in 5.10, 6.1, 6.12 and 7.3): lists are sorted by
 * start, then type; regions of one type that overlap or touch are merged.  The model
 * has the same rule for its own sets (resv_set_merge_one()).
 */
#include <linux/list.h>
#include <linux/module.h>
#include "compat/iommu.h"
#include "hook/list.h"

/**
 * resv_list_insert() - insert a region into a group's list
 * @head: list that is sorted by this rule
 * @region: region that is on no list; the owner of @head owns it from now on
 * @absorbed: gets the regions that were merged into others, maybe @region itself
 *
 * Context: any; does not sleep, allocate or free.
 */
void resv_list_insert(struct list_head *head, struct iommu_resv_region *region,
		      struct list_head *absorbed)
{
	struct iommu_resv_region *iter, *next, *top = NULL;

	list_for_each_entry(iter, head, list)
		if (region->start < iter->start ||
		    (region->start == iter->start &&
		     region->type <= iter->type))
			break;
	/* Before @iter, or at the end if the loop found no such entry. */
	list_add_tail(&region->list, &iter->list);

	list_for_each_entry_safe(iter, next, head, list) {
		phys_addr_t top_end, iter_end;

		if (iter->type != region->type)
			continue;
		if (!top) {
			top = iter;
			continue;
		}
		/* As in the kernel: inclusive, and the + 1 below may wrap to 0. */
		top_end = top->start + top->length - 1;
		iter_end = iter->start + iter->length - 1;
		if (iter->start > top_end + 1) {
			top = iter;
			continue;
		}
		top->length = max(top_end, iter_end) - top->start + 1;
		list_move_tail(&iter->list, absorbed);
	}
}
EXPORT_SYMBOL_GPL(resv_list_insert);
