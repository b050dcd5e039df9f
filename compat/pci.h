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

#endif /* RESV_COMPAT_PCI_H */
