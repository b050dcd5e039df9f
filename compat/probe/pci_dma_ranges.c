// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: pci_host_bridge.dma_ranges lists what a host bridge lets pass of its devices'
 * DMA, as entries of type struct resource_entry.
 * Upstream: e80a91ad302b ("PCI: Add dma_ranges window list"), v5.2.  It is filled from
 * the device tree: in v5.2 by the driver of iProc alone, since v5.5 by most.
 */
#include <linux/pci.h>
#include "probe.h"

PROBE(struct list_head *, probe_pci_dma_ranges, (struct pci_host_bridge *bridge))
{
	struct list_head *list = &bridge->dma_ranges;

	return list;
}
