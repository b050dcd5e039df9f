/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/pci.h>. */
#ifndef RESV_COMPAT_PCI_H
#define RESV_COMPAT_PCI_H

#include <linux/pci.h>
#include "compat/compat.h"

/**
 * compat_pci_msi_pos() - find the MSI capability of a device
 * @pdev: device
 *
 * Return: offset in configuration space, or 0 if it has none
 */
static inline unsigned int compat_pci_msi_pos(const struct pci_dev *pdev)
{
#ifdef CONFIG_PCI_MSI
	return pdev->msi_cap;
#else
	return 0;
#endif
}

/**
 * compat_pci_msi_is_limited() - does the kernel know that a device cannot send messages to
 *	all 64-bit addresses?
 * @pdev: device
 *
 * Quirks and drivers set no_64bit_msi, which v7.0 changed into a mask; any width below 64
 * counts as 32.  Since v5.11 the kernel also sets it from the capability.
 *
 * Return: true if it does; false if not, or if the device has no messages
 */
static inline bool compat_pci_msi_is_limited(const struct pci_dev *pdev)
{
#if !defined(CONFIG_PCI_MSI)
	return false;
#elif defined(RESV_HAVE_MSI_ADDR_MASK)
	return (pdev->msi_cap || pdev->msix_cap) &&
	       pdev->msi_addr_mask < DMA_BIT_MASK(64);
#elif defined(RESV_HAVE_NO_64BIT_MSI)
	return (pdev->msi_cap || pdev->msix_cap) && pdev->no_64bit_msi;
#else
	return false;
#endif
}

/**
 * compat_pci_dma_ranges() - get the ranges to which a host bridge forwards DMA
 * @root: its bus
 *
 * They come from the device tree; ACPI has a similar limit for single devices, see
 * compat_bus_dma_limit().  The DMA API stays inside the ranges since v5.2
 * (iova_reserve_pci_windows() in drivers/iommu/dma-iommu.c).  Since v5.19 it sorts the
 * list there, without a lock that a module could take.
 *
 * Context: any; the caller keeps a device on the bus.
 * Return: list of struct resource_entry, empty if nothing is known; NULL if the kernel
 *	has no such list
 */
static inline struct list_head *compat_pci_dma_ranges(struct pci_bus *root)
{
#ifdef RESV_HAVE_PCI_DMA_RANGES
	/* pci_find_host_bridge() of drivers/pci/host-bridge.c, not always exported */
	return &to_pci_host_bridge(root->bridge)->dma_ranges;
#else
	return NULL;
#endif
}

/**
 * compat_bus_dma_limit() - get the limit of the buses above a device for its DMA
 * @dev: device
 *
 * The kernel sets it when it configures the DMA of the device: from the device tree, from
 * _DMA or the IORT of ACPI, and below some bridges of VIA.
 *
 * Context: any.
 * Return: the last address, all ones if there is no limit
 */
static inline u64 compat_bus_dma_limit(const struct device *dev)
{
#if defined(RESV_HAVE_BUS_DMA_LIMIT)
	u64 limit = READ_ONCE(dev->bus_dma_limit);
#elif defined(RESV_HAVE_BUS_DMA_MASK)
	u64 limit = READ_ONCE(dev->bus_dma_mask);
#else
	u64 limit = 0;
#endif
	/*
	 * For 64 bits in the IORT the kernel uses a size of all ones, so the limit is one
	 * less.
	 */
	return limit && limit < ULLONG_MAX - 1 ? limit : ULLONG_MAX;
}

#endif /* RESV_COMPAT_PCI_H */
