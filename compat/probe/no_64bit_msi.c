// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: pci_dev.no_64bit_msi marks devices whose MSIs reach only 4 GiB.
 * Upstream: f144d1496b47 ("PCI/MSI: Add device flag indicating that 64-bit
 * MSIs don't work"), v3.18; gone in v7.0, see msi_addr_mask.c.
 */
#include <linux/pci.h>
#include "probe.h"

PROBE(bool, probe_no_64bit_msi, (struct pci_dev *pdev))
{
	return pdev->no_64bit_msi;
}
