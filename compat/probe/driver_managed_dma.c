// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the driver of a device declares whether it leaves DMA to user space; all other
 * drivers own the DMA of the device's group as long as they are bound.
 * Upstream: 512881eacfa7 ("bus: platform,amba,fsl-mc,PCI: Add device DMA ownership
 * management"), v5.19.  Backports: RHEL 9.1.
 */
#include <linux/pci.h>
#include <linux/platform_device.h>
#include "probe.h"

PROBE(bool, probe_driver_managed_dma, (struct pci_driver *p, struct platform_driver *q))
{
	return p->driver_managed_dma || q->driver_managed_dma;
}
