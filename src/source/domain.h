/* SPDX-License-Identifier: GPL-2.0-only */
/* How the DMA of a device's own driver is translated, and what is certain about that. */
#ifndef RESV_SOURCE_DOMAIN_H
#define RESV_SOURCE_DOMAIN_H

#include "compat/iommu.h"
#include "source/facts.h"
#include "source/native.h"

/*
 * Is it certain that all IOMMU drivers use the DMA API of drivers/iommu/dma-iommu.c, and
 * that this API does not allocate in windows of host bridges?
 *
 * On x86 the AMD driver uses it since v5.5 (be62dbf554c5), the Intel driver since v5.12
 * (c588072bba6b).  No header shows either; a kernel with the type IOMMU_DOMAIN_DMA_FQ
 * (v5.15) has both.  On Arm the drivers have no other DMA API, and it reserves the
 * windows since v4.9 (fade1ec055dc), so all kernels with lists of regions (v4.11) do.
 * Looked at: 4.9, 4.14, 4.18 (RHEL 8.1), 5.10, 6.1, 6.12, 7.3.
 */
#define RESV_DMA_RULES_KNOWN \
	(IS_ENABLED(CONFIG_ARM64) ? resv_native_list() : \
				    RESV_HAVE(DOMAIN_DMA_FQ))

/**
 * resv_dma_of_device() - how is the DMA of a device's own driver translated now?
 * @dev: device, whose group's mutex the caller holds
 *
 * This decides by the type of the attached domain, which is the group's default domain
 * unless VFIO or another user has attached its own.
 *
 * Context: may sleep.
 * Return: enum resv_dma; RESV_DMA_UNKNOWN while the device is attached to another domain
 *	or to none.  Before v5.3 the IOMMU core does not know the Intel driver's domain.
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
 * resv_dma_both() - combine how the DMA of two sets of devices is translated
 * @a: of the first set
 * @b: of the second set
 *
 * Context: any.
 * Return: @a if @b is the same, else RESV_DMA_UNKNOWN
 */
static inline enum resv_dma resv_dma_both(enum resv_dma a, enum resv_dma b)
{
	return a == b ? a : RESV_DMA_UNKNOWN;
}

#endif /* RESV_SOURCE_DOMAIN_H */
