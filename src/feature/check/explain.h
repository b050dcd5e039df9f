/* SPDX-License-Identifier: GPL-2.0-only */
/* Why VFIO refused a map, on kernels whose VFIO checks maps itself (v5.4). */
#ifndef RESV_FEATURE_CHECK_EXPLAIN_H
#define RESV_FEATURE_CHECK_EXPLAIN_H

#include <linux/types.h>

struct resv_status;

/**
 * struct resv_explain_call - a call of vfio_iommu_type1_ioctl() that maps
 * @container: first argument
 * @arg: third argument: where the process has its struct vfio_iommu_type1_dma_map
 */
struct resv_explain_call {
	const void *container;
	unsigned long arg;
};

bool resv_explain_begin(struct resv_explain_call *call, const void *container,
			unsigned int cmd, unsigned long arg);
bool resv_explain_end(const struct resv_explain_call *call, int err);

#endif /* RESV_FEATURE_CHECK_EXPLAIN_H */
