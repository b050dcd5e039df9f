/* SPDX-License-Identifier: GPL-2.0-only */
/* Windows and gaps of host bridges, for the sources that need them. */
#ifndef RESV_SOURCE_BRIDGE_H
#define RESV_SOURCE_BRIDGE_H

#include <linux/types.h>

struct pci_bus;
struct pci_bus_region;
struct pci_dev;
struct resource;
struct resv_facts;

bool resv_bridge_window(struct pci_bus *bus, struct resource *res,
			struct pci_bus_region *region);
int resv_bridge_look(struct resv_facts *c, struct pci_dev *pdev);

#endif /* RESV_SOURCE_BRIDGE_H */
