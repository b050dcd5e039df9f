/* SPDX-License-Identifier: GPL-2.0-only */
/* The capability by which VFIO tells the usable ranges, where it does not. */
#ifndef RESV_IOVA_INFO_H
#define RESV_IOVA_INFO_H

#include <linux/types.h>

/**
 * struct resv_info_call - one call of vfio_iommu_type1_ioctl()
 * @container: its first argument
 * @arg: its third
 * @argsz: bytes that the process has room for, if @argsz_known
 * @argsz_known: else the kernel is left to answer alone
 */
struct resv_info_call {
	const void *container;
	unsigned long arg;
	u32 argsz;
	bool argsz_known;
};

bool resv_info_begins(struct resv_info_call *call, const void *container,
		      unsigned int cmd, unsigned long arg);
bool resv_info_ends(const struct resv_info_call *call);

#endif /* RESV_IOVA_INFO_H */
