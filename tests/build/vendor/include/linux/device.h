/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VENDOR_DEVICE_H
#define VENDOR_DEVICE_H

#include <linux/types.h>

struct iommu_ops;
struct iommu_group;
struct dev_iommu;

struct bus_type {
	const char *name;
	const struct iommu_ops *iommu_ops;
	KABI_RESERVE(1);
};

struct device {
	struct bus_type *bus;
	struct iommu_group *iommu_group;
#ifdef SHAPE_DEV_IOMMU
	KABI_REPLACE(struct iommu_fwspec *iommu_fwspec, struct dev_iommu *iommu);
#else
	struct iommu_fwspec *iommu_fwspec;
#endif
	KABI_RESERVE(2);
};

#endif /* VENDOR_DEVICE_H */
