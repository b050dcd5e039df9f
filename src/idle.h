/* SPDX-License-Identifier: GPL-2.0-only */
/* Changing a group while nobody has attached it. */
#ifndef RESV_IDLE_H
#define RESV_IDLE_H

struct iommu_group;

int resv_when_idle(struct iommu_group *group, int (*fn)(void *data),
		   void *data);

#endif /* RESV_IDLE_H */
