// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file dma_api: which IOVAs the kernel's DMA API does not allocate in a group's domain.
 *
 * While VFIO does not own a group, its devices are attached to the default domain.  Unless
 * that is an identity domain, host drivers get IOVAs from the DMA API, which first
 * reserves (iova_reserve_iommu_regions() in drivers/iommu/dma-iommu.c)
 *
 * - memory windows of the host bridge above the device;
 * - gaps between the ranges that this bridge forwards (dma_ranges);
 * - all regions on the device's list except the movable MSI window, because the DMA API
 *   itself maps doorbells;
 *
 * and it never allocates above the limit of the buses.  It reserves these once for each
 * domain, for the device whose DMA is configured first.  Later it cannot be known which
 * device of the group that was.  So regions that all devices have in common are
 * "enforced", and regions that only some devices have are "advice".
 *
 * The IOVAs in use are in the domain's cookie, which is private to dma-iommu.c, so the
 * file does not show them.
 *
 * The text is made when the file is read: the type of the default domain can change
 * without an event (the kernel's own file "type"), and the structures behind the lines
 * cost little to read.  Storing the lines would double the snapshot.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/mm.h"
#include "group/dma.h"
#include "group/snapshot.h"
#include "source/bridge.h"
#include "source/domain.h"

/**
 * struct dma_look - facts about the devices of a group
 * @facts: windows and gaps of their host bridges
 * @now: how the DMA of all of them is translated
 * @nr: number of devices
 * @nr_pci: number of PCI devices among them
 */
struct dma_look {
	struct resv_facts facts;
	enum resv_dma now;
	unsigned int nr;
	unsigned int nr_pci;
};

/* Under the mutex of the group. */
static int look_at_device(struct device *dev, void *data)
{
	enum resv_dma now = resv_dma_of_device(dev);
	struct dma_look *look = data;

	look->now = look->nr ? resv_dma_both(look->now, now) : now;
	look->nr++;
	if (!dev_is_pci(dev))
		return 0;
	look->nr_pci++;
	return resv_bridge_look(&look->facts, to_pci_dev(dev));
}

/* Number of devices that have the same region. */
static unsigned int sharers(const struct resv_set *set, const struct resv_region *r)
{
	unsigned int i, nr = 0;

	for (i = 0; i < set->nr; i++)
		nr += set->r[i].start == r->start && set->r[i].end == r->end &&
		      set->r[i].type == r->type;
	return nr;
}

/* Add the regions that the kernel lists to @all; take them from the snapshot. */
static int add_listed(struct dma_look *look, const struct resv_snapshot *snapshot,
		      struct resv_set *all)
{
	const char *p, *end, *device;
	struct resv_region r;
	size_t len;
	int name;
	char *copy;

	p = resv_snapshot_text(snapshot, RESV_TEXT_REGIONS, &len);
	end = p + len;
	while (resv_snapshot_region(&p, end, &r, &device, &len)) {
		if ((r.flags & RESV_F_ADDED) || r.type == RESV_SW_MSI ||
		    !(RESV_KERNEL_TYPES & RESV_TYPE(r.type)))
			continue;
		copy = kstrndup(device, len, GFP_KERNEL);
		name = copy ? resv_facts_name(&look->facts, copy) : -ENOMEM;
		kfree(copy);
		if (name < 0)
			return name;
		r.name = name;
		r.flags = 0;
		if (resv_set_add(all, &r))
			return -ENOMEM;
	}
	return 0;
}

static void judge_listed(const struct dma_look *look, struct resv_set *all)
{
	unsigned int i;

	for (i = 0; resv_native_list() && i < all->nr; i++)
		if (sharers(all, &all->r[i]) == look->nr)
			all->r[i].flags |= RESV_F_ENFORCED;
}

/* Add windows or gaps to @all. */
static int add_bridges(const struct dma_look *look, const struct resv_set *set,
		       struct resv_set *all)
{
	bool certain = RESV_DMA_RULES_KNOWN && look->nr_pci == look->nr;
	struct resv_region r;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < set->nr; i++) {
		r = set->r[i];
		r.flags = certain ? RESV_F_ENFORCED : 0;
		ret = resv_set_add(all, &r);
	}
	return ret;
}

/* The longest line: two addresses, six words and the blanks, without the device. */
#define LINE_LEN	128

static char *put_lines(const struct resv_facts *c, const struct resv_set *all,
		       size_t *len)
{
	size_t room = 1, at = 0;
	unsigned int i;
	char *text;

	for (i = 0; i < all->nr; i++)
		room += LINE_LEN + strlen(resv_facts_name_at(c, all->r[i].name));
	text = compat_kvmalloc(room);
	if (!text)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < all->nr; i++) {
		const struct resv_region *r = &all->r[i];

		at += scnprintf(text + at, room - at,
				"0x%016llx 0x%016llx %s dma-api %s native %s %s\n",
				r->start, r->end, resv_type_name(r->type),
				resv_facts_name_at(c, r->name),
				r->flags & RESV_F_ENFORCED ? "enforced" : "advice",
				resv_origin_name(r->origin));
	}
	*len = at;
	return text;
}

static char *make_text(struct dma_look *look, const struct resv_snapshot *snapshot,
		       size_t *len)
{
	struct resv_set all;
	char *text;
	int ret;

	resv_set_init(&all);
	ret = add_listed(look, snapshot, &all);
	if (!ret) {
		judge_listed(look, &all);
		ret = add_bridges(look, &look->facts.bridges, &all) ?:
		      add_bridges(look, &look->facts.gaps, &all);
	}
	text = ret ? ERR_PTR(ret) : put_lines(&look->facts, &all, len);
	resv_set_free(&all);
	return text;
}

/**
 * resv_dma_make() - make the text of the file dma_api
 * @group: group, which the caller keeps alive
 * @snapshot: snapshot of the group
 * @len: set to the length of the text
 *
 * Context: may sleep; takes the group's mutex, and no lock of a device.
 * Return: the text, for kvfree(), empty if the DMA is not translated; or an error
 *	pointer: -ENODATA if the translation or the kernel's list is not known, -ENODEV
 *	for a group without devices, -ENOMEM
 */
char *resv_dma_make(struct iommu_group *group, const struct resv_snapshot *snapshot,
		    size_t *len)
{
	struct dma_look *look = kzalloc(sizeof(*look), GFP_KERNEL);
	char *text;
	int ret;

	if (!look)
		return ERR_PTR(-ENOMEM);
	ret = resv_facts_init(&look->facts, group, 0);
	if (ret)
		goto free_look;
	ret = iommu_group_for_each_dev(group, look, look_at_device);
	if (!ret && !look->nr)
		ret = -ENODEV;
	/* While VFIO or another user owns the group: the last known state. */
	if (look->now == RESV_DMA_UNKNOWN)
		look->now = snapshot->dma;
	if (!ret && (look->now == RESV_DMA_UNKNOWN || !snapshot->dma_asked ||
		     !snapshot->listed))
		ret = -ENODATA;
	if (ret) {
		text = ERR_PTR(ret);
	} else if (look->now == RESV_DMA_DIRECT) {
		*len = 0;
		text = kzalloc(1, GFP_KERNEL) ?: ERR_PTR(-ENOMEM);
	} else {
		text = make_text(look, snapshot, len);
	}
	resv_facts_free(&look->facts);
	kfree(look);
	return text;

free_look:
	kfree(look);
	return ERR_PTR(ret);
}
