// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of PCI bridges that can catch a device's DMA before it reaches the
 * IOMMU.
 *
 * A request whose address lies in the window of a neighbour goes to that
 * neighbour unless Access Control Services redirect it upstream.  These windows are
 * advice and never enforced: v4.12 reported all host bridge windows as reserved,
 * and v4.18 reverted that because it refused setups that work.  So this source
 * reports only windows that DMA of this device can hit:
 *
 * - below a conventional PCI (or PCIe-to-PCI) bridge, every address in the
 *   bridge's own window belongs to a neighbour on the bus;
 * - a root or downstream port without ACS redirection can route a request to a port
 *   beside it, whose window lies in the windows of their common bus.
 *
 * It also reports the gaps of host bridges: addresses to which a host bridge does not
 * forward DMA.
 */
#include <linux/pci.h>
#include "compat/iommu.h"
#include "compat/pci.h"
#include "source/bridge.h"
#include "source/hw.h"
#include "source/source.h"

/* REQ_ACS_FLAGS of drivers/iommu/iommu.c: flags of a port that isolates. */
#define ACS_ISOLATION	(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

/* As pci_acs_flags_enabled() in drivers/pci/pci.c, which is not exported. */
static bool acs_flags_enabled(struct pci_dev *port)
{
	u16 cap, ctrl, flags;
	int pos = pci_find_ext_capability(port, PCI_EXT_CAP_ID_ACS);

	if (!pos)
		return false;
	if (pci_read_config_word(port, pos + PCI_ACS_CAP, &cap) ||
	    pci_read_config_word(port, pos + PCI_ACS_CTRL, &ctrl))
		return false;
	/* As in the kernel: flags that a port does not implement are not needed. */
	flags = ACS_ISOLATION & (cap | PCI_ACS_EC);
	return (ctrl & flags) == flags;
}

/*
 * Does the nth bridge above the device redirect requests upstream?  The registers are read
 * once for each device.  A port whose link to the root is off does not answer, or answers
 * with ones; until it answers, it counts as a port that does not redirect.
 */
static bool acs_redirects(struct resv_hw *hw, struct pci_dev *port, unsigned int n)
{
	u16 vendor;

	if (n >= RESV_HW_BRIDGES)
		return false;
	if (!(hw->acs_known & BIT(n))) {
		if (!resv_hw_config_begin(port))
			return false;
		if (!pci_read_config_word(port, PCI_VENDOR_ID, &vendor) &&
		    vendor != 0xffff) {
			hw->acs_known |= BIT(n);
			if (acs_flags_enabled(port))
				hw->acs_redirects |= BIT(n);
		}
		resv_hw_config_end(port);
	}
	return hw->acs_redirects & BIT(n);
}

/*
 * The kernel knows ports that isolate although their registers do not say
 * so (pci_dev_specific_acs_enabled()).  The groups show its decision: a port that
 * does not isolate is in the same group as the devices below it.
 */
static bool kernel_calls_isolated(const struct resv_facts *c,
				  struct pci_dev *bridge)
{
	return bridge->dev.iommu_group && bridge->dev.iommu_group != c->group;
}

static int add_window(struct resv_facts *c, struct pci_dev *bridge,
		      struct pci_bus *bus, struct resource *res)
{
	struct pci_bus_region region;
	int name;

	if (!resv_bridge_window(bus, res, &region))
		return 0;
	name = resv_facts_name(c, pci_name(bridge));
	if (name < 0)
		return name;
	return resv_facts_add(c, name, region.start, region.end,
				RESV_PCI_WINDOW, RESV_ORIGIN_BRIDGE,
				RESV_F_ADDED);
}

/* Add the windows through which @bus is reached, with @bridge as their cause. */
static int add_windows(struct resv_facts *c, struct pci_dev *bridge,
		       struct pci_bus *bus)
{
	struct resource *res;
	int i, ret = 0;

	if (pci_is_root_bus(bus)) {
		pci_bus_for_each_resource(bus, res, i) {
			ret = add_window(c, bridge, bus, res);
			if (ret)
				break;
		}
		return ret;
	}
	/* The bridge's own windows, without those of subtractive decoding. */
	for (i = 0; i < PCI_BRIDGE_RESOURCE_NUM && !ret; i++)
		ret = add_window(c, bridge, bus, bus->resource[i]);
	return ret;
}

/* Add the gaps of the host bridge as advice: it forwards no DMA and no messages there. */
static int add_gaps(struct resv_facts *c)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < c->gaps.nr; i++)
		ret = resv_set_add(&c->regions, &c->gaps.r[i]);
	return ret;
}

static int pci_device(struct resv_facts *c, struct device *dev)
{
	struct pci_dev *pdev, *bridge;
	unsigned int nr = 0;
	struct pci_bus *bus;
	int ret;

	if (!dev_is_pci(dev))
		return 0;
	pdev = to_pci_dev(dev);
	ret = resv_bridge_look(c, pdev) ?: add_gaps(c);
	if (ret)
		return ret;
	/* Only requests from devices below ports matter, not a port's own. */
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return 0;
	/*
	 * Bridges above a device outlive it, and the caller's mutex of the group
	 * keeps the device.
	 */
	for (bus = pdev->bus; !pci_is_root_bus(bus); bus = bus->parent) {
		bridge = bus->self;
		/* Buses of SR-IOV virtual functions have no bridge of their own. */
		if (!bridge)
			continue;
		nr++;
		if (!pci_is_pcie(bridge) ||
		    pci_pcie_type(bridge) == PCI_EXP_TYPE_PCI_BRIDGE ||
		    pci_pcie_type(bridge) == PCI_EXP_TYPE_PCIE_BRIDGE) {
			ret = add_windows(c, bridge, bus);
			if (ret)
				return ret;
			continue;
		}
		if (pci_pcie_type(bridge) != PCI_EXP_TYPE_ROOT_PORT &&
		    pci_pcie_type(bridge) != PCI_EXP_TYPE_DOWNSTREAM)
			continue;
		/* In most cases the groups decide, so read the registers last. */
		if (kernel_calls_isolated(c, bridge) ||
		    acs_redirects(c->device_hw, bridge, nr - 1))
			continue;
		ret = add_windows(c, bridge, bridge->bus);
		if (ret)
			return ret;
	}
	return 0;
}

static void pci_status(struct resv_status *f)
{
	resv_status_add(f, "pci-windows", RESV_STATUS_ADDED,
			"advice where the path from a device lacks ACS redirection, or its host bridge passes no DMA on");
}

const struct resv_source resv_source_pci = {
	.name = "pci",
	.device = pci_device,
	.status = pci_status,
};
