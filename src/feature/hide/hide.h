/* SPDX-License-Identifier: GPL-2.0-only */
/* native=ignore: VFIO gets an empty list of regions.  Test builds only. */
#ifndef RESV_FEATURE_HIDE_HIDE_H
#define RESV_FEATURE_HIDE_HIDE_H

#include "group/feature.h"

extern const struct resv_feature resv_feature_hide;

#endif /* RESV_FEATURE_HIDE_HIDE_H */
