/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of the kernel's lists of regions, for taps that may not allocate. */
#ifndef RESV_HOOK_STOCK_H
#define RESV_HOOK_STOCK_H

struct iommu_resv_region;
struct list_head;

struct iommu_resv_region *resv_stock_get(void);
void resv_stock_put(struct iommu_resv_region *region);
void resv_stock_take_back(struct list_head *entries);
int resv_stock_want(unsigned int nr);
void resv_stock_exit(void);

#endif /* RESV_HOOK_STOCK_H */
