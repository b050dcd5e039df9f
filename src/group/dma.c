// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own DMA leaves out of the domain of a group: the file dma_api.
 *
 * While a group is not VFIO's, its devices are attached to its default domain.  If that is
 * not of type identity, drivers of the host get IOVAs from the DMA API, which first
 * reserves (iova_reserve_iommu_regions() in drivers/iommu/dma-iommu.c)
 *
 * - windows of memory of the host bridge above the device;
 * - gaps between what that bridge passes on (dma_ranges);
 * - all regions on the device's list but the movable MSI window, as the API itself
 *   maps doorbells;
 *
 * and it never allocates above the limit of the buses.  It does that once a domain, for the
 * device whose DMA is configured first.  Nobody can tell which device of the group that
 * was.  So what all devices have in common is enforced, and what only some of them have is
 * advice.
 *
 * The IOVAs in use are in the domain's cookie, which is private to dma-iommu.c; nothing is
 * told of them.
 *
 * All is looked at when the file is read: the type of the default domain can be changed
 * without an event (the kernel's own file "type"), and what the lines are made of is in
 * structures that cost nothing to read.  Kept in the snapshot, they would double it.
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
 * struct dma_look - what the devices of a group say
 * @facts: windows and gaps of their host bridges
 * @now: what the DMA of all of them goes through
 * @nr: how many devices
 * @nr_pci: so many of them are PCI devices
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

/* So many devices have the same region. */
static unsigned int sharers(const struct resv_set *set, const struct resv_region *r)
{
	unsigned int i, nr = 0;

	for (i = 0; i < set->nr; i++)
		nr += set->r[i].start == r->start && set->r[i].end == r->end &&
		      set->r[i].type == r->type;
	return nr;
}

/* What the kernel lists, as the snapshot has it, into @all. */
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

/* Windows or gaps, into @all. */
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
 * resv_dma_make() - what the kernel's own DMA leaves out of a group's domain
 * @group: group, which the caller keeps alive
 * @snapshot: what is known about the group
 * @len: set to the length of the text
 *
 * Context: may sleep; takes the group's mutex, and no lock of a device.
 * Return: the text of "dma_api", for kvfree(), empty if the DMA is not translated; or an
 *	error pointer: -ENODATA if that is not known, or the kernel's list is not, -ENODEV for
 *	a group without devices, -ENOMEM
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
	/* Somebody like VFIO has it: then as it was before. */
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
