/* SPDX-License-Identifier: GPL-2.0-only */
/* Adds VFIO's capability of usable ranges on kernels that lack it. */
#ifndef RESV_FEATURE_CHECK_INFO_H
#define RESV_FEATURE_CHECK_INFO_H

#include <linux/types.h>

/**
 * struct resv_info_call - one call of vfio_iommu_type1_ioctl()
 * @container: first argument
 * @arg: third argument
 * @argsz: room in bytes that the process offers, if @argsz_known
 * @argsz_known: the tap could read @argsz; if not, only the kernel answers
 */
struct resv_info_call {
	const void *container;
	unsigned long arg;
	u32 argsz;
	bool argsz_known;
};

bool resv_info_begin(struct resv_info_call *call, const void *container,
		     unsigned int cmd, unsigned long arg);
bool resv_info_end(const struct resv_info_call *call);

#endif /* RESV_FEATURE_CHECK_INFO_H */
