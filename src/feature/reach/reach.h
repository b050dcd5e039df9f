/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes VFIO's ranges end where the IOMMU's do. */
#ifndef RESV_FEATURE_REACH_REACH_H
#define RESV_FEATURE_REACH_REACH_H

#include "group/feature.h"

extern const struct resv_feature resv_feature_reach;

#endif /* RESV_FEATURE_REACH_REACH_H */
