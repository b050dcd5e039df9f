/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's own DMA of a device goes through, and what is certain about that. */
#ifndef RESV_SOURCE_DOMAIN_H
#define RESV_SOURCE_DOMAIN_H

#include "compat/iommu.h"
#include "source/facts.h"
#include "source/native.h"

/*
 * It is certain that all IOMMU drivers use the DMA API of drivers/iommu/dma-iommu.c, and
 * that this leaves out windows of host bridges.
 *
 * On x86 the AMD driver uses it since v5.5 (be62dbf554c5), Intel's since v5.12
 * (c588072bba6b).  No header shows either; a kernel with the type IOMMU_DOMAIN_DMA_FQ
 * (v5.15) has both.  On Arm the drivers have no other, and it leaves windows out since v4.9
 * (fade1ec055dc): so where there are lists of regions (v4.11).
 * Looked at: 4.9, 4.14, 4.18 (RHEL 8.1), 5.10, 6.1, 6.12, 7.3.
 */
#define RESV_DMA_RULES_KNOWN \
	(IS_ENABLED(CONFIG_ARM64) ? resv_native_list() : \
				    RESV_HAVE(DOMAIN_DMA_FQ))

/**
 * resv_dma_of_device() - what does the kernel's own DMA of a device go through now?
 * @dev: device, whose group's mutex the caller holds
 *
 * By the type of the domain that is attached, which is the group's default domain as long
 * as nobody maps by himself.
 *
 * Context: may sleep.
 * Return: enum resv_dma; RESV_DMA_UNKNOWN while the device is attached to another domain
 *	or to none.  Before v5.3 Intel's is none that the IOMMU core knows of.
 */
static inline enum resv_dma resv_dma_of_device(struct device *dev)
{
	struct iommu_domain *domain = compat_iommu_get_domain_for_dev(dev);

	if (!domain)
		return RESV_DMA_UNKNOWN;
	if (domain->type & __IOMMU_DOMAIN_DMA_API)
		return RESV_DMA_DOMAIN;
	return domain->type == IOMMU_DOMAIN_IDENTITY ? RESV_DMA_DIRECT :
						       RESV_DMA_UNKNOWN;
}

/**
 * resv_dma_both() - what does the DMA of two sets of devices go through?
 * @a: what that of some devices goes through
 * @b: the same of the other ones
 *
 * Context: any.
 * Return: that, or RESV_DMA_UNKNOWN if they differ
 */
static inline enum resv_dma resv_dma_both(enum resv_dma a, enum resv_dma b)
{
	return a == b ? a : RESV_DMA_UNKNOWN;
}

#endif /* RESV_SOURCE_DOMAIN_H */
