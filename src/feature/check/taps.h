/* SPDX-License-Identifier: GPL-2.0-only */
/* The taps of map checks. */
#ifndef RESV_FEATURE_CHECK_TAPS_H
#define RESV_FEATURE_CHECK_TAPS_H

#include <linux/types.h>
#include "hook/tap.h"

struct iommu_group;

extern const struct resv_tap resv_check_tap_map;
extern const struct resv_tap resv_check_tap_info;
extern const struct resv_tap resv_check_tap_explain;
extern const struct resv_tap resv_check_tap_attach;
extern const struct resv_tap resv_check_tap_claim;
extern const struct resv_tap resv_check_tap_device;

#define RESV_CHECK_RANGES_OFF	"turned off by the parameter ranges="

bool resv_check_taps_get(struct iommu_group *group);
void resv_check_taps_put(void);
enum resv_tap_state resv_check_taps_maps(const char **reason);
const char *resv_check_taps_ranges(void);
void resv_check_taps_explain_get(void);
bool resv_check_taps_explain(void);
const char *resv_check_taps_silent(void);
const char *resv_check_taps_iommufd_silent(void);

#endif /* RESV_FEATURE_CHECK_TAPS_H */
