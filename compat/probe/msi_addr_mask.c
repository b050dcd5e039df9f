// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: pci_dev.msi_addr_mask has the address bits of a device's MSIs.
 * Upstream: v7.0, instead of no_64bit_msi; absent in 6.12, seen in 7.3.
 */
#include <linux/pci.h>
#include "probe.h"

PROBE(u64, probe_msi_addr_mask, (struct pci_dev *pdev))
{
	u64 *mask = &pdev->msi_addr_mask;

	return *mask;
}
