// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: pci_host_bridge.dma_ranges lists the ranges to which a host bridge forwards its
 * devices' DMA, as entries of type struct resource_entry.
 * Upstream: e80a91ad302b ("PCI: Add dma_ranges window list"), v5.2.  Drivers fill it from
 * the device tree: in v5.2 only the iProc driver, since v5.5 most drivers.
 */
#include <linux/pci.h>
#include "probe.h"

PROBE(struct list_head *, probe_pci_dma_ranges, (struct pci_host_bridge *bridge))
{
	struct list_head *list = &bridge->dma_ranges;

	return list;
}
