/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts the calls of a function of a module, for tests. */
#ifndef RESV_FEATURE_COUNT_COUNT_H
#define RESV_FEATURE_COUNT_COUNT_H

#include "group/feature.h"

extern const struct resv_feature resv_feature_count;

#endif /* RESV_FEATURE_COUNT_COUNT_H */
