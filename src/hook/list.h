/* SPDX-License-Identifier: GPL-2.0-only */
/* How the kernel sorts and merges its own lists of reserved regions. */
#ifndef RESV_HOOK_LIST_H
#define RESV_HOOK_LIST_H

struct iommu_resv_region;
struct list_head;

void resv_list_insert(struct list_head *head, struct iommu_resv_region *region,
		      struct list_head *absorbed);

#endif /* RESV_HOOK_LIST_H */
