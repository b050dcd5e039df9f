/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracks which groups are in which address space of iommufd. */
#ifndef RESV_FEATURE_CHECK_SPACES_H
#define RESV_FEATURE_CHECK_SPACES_H

#include <linux/types.h>

struct iommu_group;

/* In the taps */
int resv_space_begin(void);
void resv_space_is(const void *space);
void resv_space_end(int slot, const struct iommu_group *group, bool joins);
void resv_space_detached(const struct iommu_group *group);
const struct iommu_group *resv_space_group(const void *space, unsigned int i);
bool resv_space_has(const struct iommu_group *group);

/* May sleep */
void resv_spaces_forget(void);

#endif /* RESV_FEATURE_CHECK_SPACES_H */
