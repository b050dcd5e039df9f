/* SPDX-License-Identifier: GPL-2.0-only */
/* The capability by which VFIO tells usable ranges, on kernels that lack it. */
#ifndef RESV_FEATURE_CHECK_INFO_H
#define RESV_FEATURE_CHECK_INFO_H

#include <linux/types.h>

/**
 * struct resv_info_call - one call of vfio_iommu_type1_ioctl()
 * @container: its first argument
 * @arg: its third argument
 * @argsz: bytes that the process has room for, if @argsz_known
 * @argsz_known: @argsz could be read; else the kernel answers alone
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
