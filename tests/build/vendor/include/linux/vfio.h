/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VENDOR_VFIO_H
#define VENDOR_VFIO_H

#include <linux/types.h>

#ifdef SHAPE_IOVA_RANGE
#define VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE	1

struct vfio_iommu_type1_info_cap_iova_range {
	__u32 nr_iovas;
	__u32 reserved;
};
#endif

#endif /* VENDOR_VFIO_H */
