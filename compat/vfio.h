/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Definitions of the UAPI header <linux/vfio.h> for kernels that do not have them: those
 * for VFIO_IOMMU_GET_INFO came with v5.4 (commit a717072007e8), those for
 * VFIO_IOMMU_MAP_DMA later.
 */
#ifndef RESV_COMPAT_VFIO_H
#define RESV_COMPAT_VFIO_H

#include <linux/bitops.h>
#include <linux/types.h>
#include <linux/vfio.h>

#define COMPAT_VFIO_IOMMU_INFO_CAPS		BIT(1)
#define COMPAT_VFIO_CAP_IOVA_RANGE		1

/* Since v5.12 (commit c3cbab24db38); older VFIO does not accept this flag. */
#ifdef VFIO_DMA_MAP_FLAG_VADDR
#define COMPAT_VFIO_DMA_MAP_FLAG_VADDR		VFIO_DMA_MAP_FLAG_VADDR
#else
#define COMPAT_VFIO_DMA_MAP_FLAG_VADDR		0
#endif

/* struct vfio_iommu_type1_info; older programs know only the members up to @iova_pgsizes. */
struct compat_vfio_info {
	__u32 argsz;
	__u32 flags;
	__u64 iova_pgsizes;
	__u32 cap_offset;
	__u32 pad;
};

/* struct vfio_iommu_type1_info_cap_iova_range, without its ranges. */
struct compat_vfio_cap_iova_range {
	__u16 id;
	__u16 version;
	__u32 next;
	__u32 nr_iovas;
	__u32 reserved;
};

#endif /* RESV_COMPAT_VFIO_H */
