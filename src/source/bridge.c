// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host bridges: their memory windows, and the addresses to which they do not forward DMA.
 *
 * Both come from structures of the PCI core, which exist as long as the bridge.  This code
 * reads no registers.
 */
#include <linux/delay.h>
#include <linux/pci.h>
#include "compat/pci.h"
#include "source/bridge.h"
#include "source/facts.h"

/**
 * resv_bridge_window() - get a window of a bridge in bus addresses, which devices use
 * @bus: bus on either side of the bridge
 * @res: one of the bus's resources, or NULL
 * @region: set to the window
 *
 * Context: any; the caller keeps the bus alive.
 * Return: false if @res is not a memory window
 */
bool resv_bridge_window(struct pci_bus *bus, struct resource *res,
			struct pci_bus_region *region)
{
	if (!res || !(res->flags & IORESOURCE_MEM) ||
	    (res->flags & (IORESOURCE_UNSET | IORESOURCE_DISABLED)) ||
	    !resource_size(res) || res->end < res->start)
		return false;
	pcibios_resource_to_bus(bus, region, res);
	return region->end >= region->start;
}

/*
 * Add the windows of the host bridge.  The DMA API never allocates IOVAs there, with ACS
 * or without (iova_reserve_pci_windows() in drivers/iommu/dma-iommu.c): the bridge may
 * route a message to such an address to a neighbouring device.  The windows bound the MSI
 * window; they are reported, as advice, only where a device's DMA can hit them.
 */
static int add_host_windows(struct resv_facts *c, struct pci_bus *root)
{
	struct pci_bus_region region;
	struct resv_region window = {
		.type = RESV_PCI_WINDOW,
		.origin = RESV_ORIGIN_BRIDGE,
		.flags = RESV_F_ADDED,
	};
	struct resource *res;
	int i, name, ret = 0;

	name = resv_facts_name(c, dev_name(root->bridge));
	if (name < 0)
		return name;
	window.name = name;
	pci_bus_for_each_resource(root, res, i) {
		if (ret || !resv_bridge_window(root, res, &region))
			continue;
		window.start = region.start;
		window.end = region.end;
		ret = resv_set_add(&c->bridges, &window);
	}
	return ret;
}

/* Sorting the list of a host bridge takes only a moment, unless the CPU is busy. */
#define SORT_TRIES	100

/* Add the addresses from @start to @end, up to @limit, to @reach; ignore invalid ranges. */
static int add_reach(struct resv_set *reach, u64 start, u64 end, u64 limit)
{
	struct resv_region range = {
		.start = start,
		.end = min(end, limit),
		.type = RESV_PCI_WINDOW,
		.origin = RESV_ORIGIN_BRIDGE,
	};

	return range.end < start ? 0 : resv_set_add(reach, &range);
}

/*
 * Read the DMA ranges of a host bridge, in bus addresses.  The entries live as long as the
 * bridge, but dma-iommu may sort the list meanwhile, for another device's domain: then
 * parts of the list end in NULL.
 */
static int read_dma_ranges(const struct list_head *list, u64 limit,
			   struct resv_set *reach)
{
	const struct list_head *node = READ_ONCE(list->next);
	const struct resource_entry *range;
	int ret = 0;

	for (; node && node != list && !ret; node = READ_ONCE(node->next)) {
		range = list_entry(node, struct resource_entry, node);
		ret = add_reach(reach, range->res->start - range->offset,
				range->res->end - range->offset, limit);
	}
	if (!ret && !node)
		ret = -EAGAIN;
	return ret;
}

/* A read during the sort can miss entries, so two reads have to agree. */
static int read_dma_ranges_twice(const struct list_head *list, u64 limit,
				 struct resv_set *reach)
{
	struct resv_set again;
	int ret;

	resv_set_init(&again);
	resv_set_free(reach);
	ret = read_dma_ranges(list, limit, reach) ?:
	      read_dma_ranges(list, limit, &again);
	if (!ret && !resv_set_equal(reach, &again))
		ret = -EAGAIN;
	resv_set_free(&again);
	return ret;
}

/* Find the addresses to which the host bridge forwards a device's DMA. */
static int find_reach(const struct list_head *list, u64 limit,
		      struct resv_set *reach)
{
	unsigned int tries = SORT_TRIES;
	int ret;

	if (!list || list_empty(list))
		return add_reach(reach, 0, limit, limit);
	while ((ret = read_dma_ranges_twice(list, limit, reach)) == -EAGAIN) {
		/* Give up; -ENOMEM makes walk.c look at the group again later. */
		if (!--tries)
			return -ENOMEM;
		usleep_range(1000, 2000);
	}
	return ret;
}

/*
 * Add the addresses to which the host bridge forwards neither DMA nor messages: those
 * outside of its DMA ranges, or above the limit of the buses.  The DMA API does not
 * allocate IOVAs there (iova_reserve_pci_windows() and iommu_dma_alloc_iova() in
 * drivers/iommu/dma-iommu.c), but VFIO does not know about them.
 */
static int add_gaps(struct resv_facts *c, struct device *dev, struct pci_bus *root)
{
	static const struct resv_range all = { 0, ULLONG_MAX };
	const struct list_head *list = compat_pci_dma_ranges(root);
	u64 limit = compat_bus_dma_limit(dev);
	struct resv_ranges gaps;
	struct resv_set reach;
	unsigned int i;
	int name, ret;

	if ((!list || list_empty(list)) && limit == ULLONG_MAX)
		return 0;
	resv_set_init(&reach);
	resv_ranges_init(&gaps);
	name = resv_facts_name(c, dev_name(root->bridge));
	ret = name < 0 ? name : find_reach(list, limit, &reach);
	if (!ret)
		ret = resv_ranges_complement(&gaps, &all, 1, &reach,
					     RESV_ALL_TYPES);
	for (i = 0; !ret && i < gaps.nr; i++) {
		const struct resv_region gap = {
			.start = gaps.r[i].start,
			.end = gaps.r[i].end,
			.name = name,
			.type = RESV_PCI_WINDOW,
			.origin = RESV_ORIGIN_BRIDGE,
			.flags = RESV_F_ADDED,
		};

		ret = resv_set_add(&c->gaps, &gap);
	}
	resv_ranges_free(&gaps);
	resv_set_free(&reach);
	return ret;
}

static struct pci_bus *root_of(struct pci_bus *bus)
{
	while (!pci_is_root_bus(bus))
		bus = bus->parent;
	return bus;
}

/**
 * resv_bridge_look() - collect the windows and gaps of a device's host bridge
 * @c: facts of its group; windows go to @c->bridges and gaps to @c->gaps
 * @pdev: device, which the caller keeps in its group
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_bridge_look(struct resv_facts *c, struct pci_dev *pdev)
{
	struct pci_bus *root = root_of(pdev->bus);

	if (!root->bridge)
		return 0;
	return add_host_windows(c, root) ?: add_gaps(c, &pdev->dev, root);
}
