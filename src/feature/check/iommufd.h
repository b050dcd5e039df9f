/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds why iommufd refused a map or an attach. */
#ifndef RESV_FEATURE_CHECK_IOMMUFD_H
#define RESV_FEATURE_CHECK_IOMMUFD_H

#include "compat/compat.h"
#ifdef RESV_HAVE_VFIO_IOMMUFD
#include <uapi/linux/iommufd.h>
#endif

struct resv_tap;

/* Only with RESV_HAVE_VFIO_IOMMUFD. */
extern const struct resv_tap resv_iommufd_tap_detach;
extern const struct resv_tap resv_iommufd_tap_unbind;
extern const struct resv_tap resv_iommufd_tap_regions;
extern const struct resv_tap resv_iommufd_tap_attach;
extern const struct resv_tap resv_iommufd_tap_bind;
extern const struct resv_tap resv_iommufd_tap_block;
extern const struct resv_tap resv_iommufd_tap_map;
/* Only with IOMMU_IOAS_MAP_FILE, which is new in v6.13. */
extern const struct resv_tap resv_iommufd_tap_map_file;

#endif /* RESV_FEATURE_CHECK_IOMMUFD_H */
