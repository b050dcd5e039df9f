/* SPDX-License-Identifier: GPL-2.0-only */
/* The IOVAs that the kernel's DMA API does not allocate in a group's domain. */
#ifndef RESV_GROUP_DMA_H
#define RESV_GROUP_DMA_H

#include <linux/types.h>

struct iommu_group;
struct resv_snapshot;

char *resv_dma_make(struct iommu_group *group, const struct resv_snapshot *snapshot,
		    size_t *len);

#endif /* RESV_GROUP_DMA_H */
