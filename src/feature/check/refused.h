/* SPDX-License-Identifier: GPL-2.0-only */
/* Decides on, counts and logs refused maps. */
#ifndef RESV_FEATURE_CHECK_REFUSED_H
#define RESV_FEATURE_CHECK_REFUSED_H

#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct resv_range;
struct resv_refused;

bool resv_refused_beyond(const struct resv_range *reach,
			 struct resv_refused *refused);
void resv_refused_name_process(struct resv_refused *refused);
void resv_refused_log_anew(void);
u64 resv_refused_serial(void);
void resv_refused_note(const struct iommu_group *group,
		       const struct resv_refused *refused, bool first);
bool resv_refuses_map(const struct iommu_domain *domain, u64 start, u64 size, int prot);
ssize_t resv_refused_show(struct iommu_group *group, char *buf);

#endif /* RESV_FEATURE_CHECK_REFUSED_H */
