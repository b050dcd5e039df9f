/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/pci.h>. */
#ifndef RESV_COMPAT_PCI_H
#define RESV_COMPAT_PCI_H

#include <linux/pci.h>
#include "compat/compat.h"

/* The kernel knows that the device's messages reach fewer bits than it says. */
static inline bool compat_pci_msi_is_limited(const struct pci_dev *pdev)
{
#if defined(RESV_HAVE_MSI_ADDR_MASK)
	return pdev->msi_addr_mask < DMA_BIT_MASK(64);
#elif defined(RESV_HAVE_NO_64BIT_MSI)
	return pdev->no_64bit_msi;
#else
	return false;
#endif
}

/**
 * compat_pci_msi_is_32bit() - a device's messages reach 32-bit addresses only
 * @pdev: device, whose group's mutex the caller holds
 *
 * By its MSI capability (PCI Local Bus Specification 3.0, section 6.8.1.3; MSI-X
 * always has 64 bits), or because the kernel knows better (quirks and drivers set
 * no_64bit_msi, which v7.0 made a mask; one of some other width counts as 32).
 * One that cannot be asked counts as such, too: that place every device reaches.
 *
 * Context: may sleep; reads configuration space.
 * Return: true if they reach no others, or if that is not known
 */
static inline bool compat_pci_msi_is_32bit(struct pci_dev *pdev)
{
#ifdef CONFIG_PCI_MSI
	u16 flags;

	if ((pdev->msi_cap || pdev->msix_cap) &&
	    compat_pci_msi_is_limited(pdev))
		return true;
	if (!pdev->msi_cap)
		return false;
	/* A device that is asleep does not answer, or with ones: not known. */
	if (pci_read_config_word(pdev, pdev->msi_cap + PCI_MSI_FLAGS, &flags) ||
	    flags == 0xffff)
		return true;
	return !(flags & PCI_MSI_FLAGS_64BIT);
#else
	return false;
#endif
}

#endif /* RESV_COMPAT_PCI_H */
