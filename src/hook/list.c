// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's rule for its own lists of reserved regions, on its own structure.
 *
 * iommu_insert_resv_region() of kernel 5.4 and later (drivers/iommu/iommu.c, the
 * same in 5.10, 6.1, 6.12 and 7.3), which no kernel exports: sorted by start,
 * then type; regions of one type that overlap or touch are one.  The model has
 * the same rule on its own sets (resv_set_merge_one()).
 */
#include <linux/list.h>
#include <linux/module.h>
#include "compat/iommu.h"
#include "hook/list.h"

/**
 * resv_list_insert() - put a region into a group's list
 * @head: list that is sorted by this rule
 * @region: not on a list; becomes the caller's caller's, as the others on @head
 * @absorbed: gets the regions that became part of others, maybe @region itself
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
	/* Before @iter, or at the end where the loop found none. */
	list_add_tail(&region->list, &iter->list);

	list_for_each_entry_safe(iter, next, head, list) {
		phys_addr_t top_end, iter_end;

		if (iter->type != region->type)
			continue;
		if (!top) {
			top = iter;
			continue;
		}
		/* Inclusive, and one that ends at the last address wraps, as there. */
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
