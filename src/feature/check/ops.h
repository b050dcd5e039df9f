/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks maps without a tap on them: in a copy of the domain's operations. */
#ifndef RESV_FEATURE_CHECK_OPS_H
#define RESV_FEATURE_CHECK_OPS_H

#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct resv_attach_client;

extern const struct resv_attach_client resv_ops_client;

bool resv_ops_checks(const struct iommu_domain *domain);
bool resv_ops_prepare(struct iommu_group *group);
void resv_ops_exit(void);

#endif /* RESV_FEATURE_CHECK_OPS_H */
