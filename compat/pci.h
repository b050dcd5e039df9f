/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/pci.h>. */
#ifndef RESV_COMPAT_PCI_H
#define RESV_COMPAT_PCI_H

#include <linux/pci.h>
#include "compat/compat.h"

/**
 * compat_pci_msi_pos() - where a device has its MSI capability
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
 * compat_pci_msi_is_limited() - the kernel knows that a device's messages do not reach
 *	all addresses of 64 bits
 * @pdev: device
 *
 * Quirks and drivers set no_64bit_msi, which v7.0 made a mask; one of some other width
 * than 64 counts as 32.  From v5.11 the kernel sets it by the capability, too.
 *
 * Return: true if it knows that; false if not, or if the device has no messages
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
 * compat_pci_dma_ranges() - what a host bridge lets pass of its devices' DMA
 * @root: its bus
 *
 * It is of the device tree; ACPI says the like of single devices, see
 * compat_bus_dma_limit().  The kernel's own DMA keeps inside since v5.2
 * (iova_reserve_pci_windows() in drivers/iommu/dma-iommu.c), and since v5.19 sorts the
 * list there, under no lock that a module could take.
 *
 * Context: any; a device is on the bus and stays there meanwhile.
 * Return: list of struct resource_entry, empty if nothing is known; NULL where the
 *	kernel has no such list
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
 * compat_bus_dma_limit() - how far do the buses above a device let its DMA pass?
 * @dev: device
 *
 * The kernel sets it when it configures the DMA of the device: by the device tree, by
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
	/* The IORT's 64 bits are a size of all ones to the kernel, and the limit is one less. */
	return limit && limit < ULLONG_MAX - 1 ? limit : ULLONG_MAX;
}

#endif /* RESV_COMPAT_PCI_H */
