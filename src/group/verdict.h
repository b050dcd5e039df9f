/* SPDX-License-Identifier: GPL-2.0-only */
/* Predicts whether VFIO accepts a group. */
#ifndef RESV_GROUP_VERDICT_H
#define RESV_GROUP_VERDICT_H

#include <linux/types.h>

struct iommu_group;
struct resv_snapshot;
struct resv_status;

char *resv_verdict_held(struct iommu_group *group);
char *resv_verdict_make(struct iommu_group *group,
			const struct resv_snapshot *snapshot, size_t *len);
void resv_verdict_status(struct resv_status *s);

#endif /* RESV_GROUP_VERDICT_H */
