/* SPDX-License-Identifier: GPL-2.0-only */
/* What the sources find out about one group, while they are being asked. */
#ifndef RESV_SOURCE_FACTS_H
#define RESV_SOURCE_FACTS_H

#include "model/region.h"

struct device;
struct iommu_group;
struct resv_hw;
struct resv_hw_list;

enum resv_isolation {
	RESV_ISOLATION_UNKNOWN,
	RESV_ISOLATION_ISOLATED,
	RESV_ISOLATION_UNSAFE,
};

/* Who placed the movable MSI window. */
enum resv_window_by {
	RESV_WINDOW_BY_KERNEL,
	RESV_WINDOW_BY_ADMIN,
	RESV_WINDOW_BY_AUTO,
};

/* What the kernel's own DMA of a device goes through. */
enum resv_dma {
	RESV_DMA_UNKNOWN,
	RESV_DMA_DIRECT,	/* nothing: the group's domain is of type identity */
	RESV_DMA_DOMAIN,	/* a domain from which the DMA API allocates IOVAs */
};

/* Different IOMMU drivers that can have devices in one group. */
#define RESV_MAX_CALLBACKS	4

/**
 * struct resv_facts - facts about one group
 * @group: the group, kept alive by the caller
 * @id: its number
 * @hw: what was measured of the group's devices; set by the owner of the group's entry
 *	before the devices are asked for
 * @device_hw: entry in @hw of the device that the sources are being asked about
 * @regions: one entry per fact and device; @name is an offset into @names
 * @names: device names, each ending in a zero; "-" at offset 0
 * @names_len: bytes used in @names
 * @devices: resv_facts_name() of each device that the group has
 * @nr_devices: how many
 * @models: resv_hw_model() of each of them, in the same order
 * @nr_models: how many
 * @iommus: resv_facts_name() of each IOMMU that translates for a device of the group
 * @nr_iommus: how many
 * @iommu_asked: @iommus is an answer, not a blank
 * @iommu_hidden: the kernel does not tell which IOMMU translates for some device
 * @taken: the group list of the kernel, that is, what VFIO goes by
 * @listed: the kernel answered
 * @taken_known: and made sense, so that usable ranges can be told
 * @aperture: what the IOMMU can address for this group
 * @aperture_known: @aperture is set
 * @claim_end: what is surely mapped of a domain that says all of 57 bits, because they
 *	are more than the IOMMU has; 0 if they may be there, or no domain says so
 * @isolation: can a device of this group forge interrupts of others?
 * @unguarded: VFIO wants allow_unsafe_interrupts to open the group, or may want it
 * @intr_remap: some device's IOMMU remaps interrupts (kernels before v6.3)
 * @window: the movable MSI window, if @window_known
 * @window_known: the group has one
 * @window_asked: @window_known is an answer, not a blank
 * @window_by: who placed it
 * @in_use: somebody who maps by himself, as VFIO, has the group
 * @attached: the domain of his own that he has attached to it, or NULL; only compared
 * @movable: the hooks are there that can move it
 * @bridges: windows of the host bridges above the devices, which are told only
 *	where they catch a device's DMA (see source/pci.c)
 * @nr_dma: so many devices were asked for @dma
 * @dma: what the kernel's own DMA of all of them goes through
 * @gaps: addresses to which a host bridge above the devices passes no DMA on
 * @msi32: number of the name of a device whose messages reach 32-bit addresses
 *	only, or 0
 * @usable: @aperture without @taken, if @usable_known
 * @usable_known: set by resv_facts_finish()
 * @page: smallest page that the IOMMU maps, in bytes
 * @nr_pages: of so many devices that is known
 * @held: lines of the file "assignable" about devices, as they were when the group was
 *	looked at, or NULL
 * @callbacks: the drivers' functions that list a device's regions, each once
 * @nr_callbacks: how many
 * @no_callback: some device's driver has no such function
 * @no_iommu: some device has no IOMMU
 * @hooked: what is declared for the group will be enforced
 * @first: nothing was known of this group before, so say what is odd about it
 *	now, and not again at each walk
 * @own_list: the kernel has no list of the group, so the sources make it
 * @own_devices: the kernel has none of its devices, so the sources make those
 * @own_device: that of the device that the sources are being asked about, which an
 *	IOMMU translates for
 * @checked: a map that hits what is on the list is refused, by VFIO or by us
 */
struct resv_facts {
	struct iommu_group *group;
	int id;
	struct resv_hw_list *hw;
	struct resv_hw *device_hw;
	struct resv_set regions;
	char *names;
	u32 names_len;
	u32 *devices;
	unsigned int nr_devices;
	u32 *models;
	unsigned int nr_models;
	u32 *iommus;
	unsigned int nr_iommus;
	bool iommu_asked;
	bool iommu_hidden;
	struct resv_set taken;
	bool listed;
	bool taken_known;
	struct resv_range aperture;
	bool aperture_known;
	u64 claim_end;
	enum resv_isolation isolation;
	bool unguarded;
	bool intr_remap;
	struct resv_range window;
	bool window_known;
	bool window_asked;
	enum resv_window_by window_by;
	bool in_use;
	const struct iommu_domain *attached;
	bool movable;
	struct resv_set bridges;
	struct resv_set gaps;
	unsigned int nr_dma;
	enum resv_dma dma;
	u32 msi32;
	struct resv_ranges usable;
	bool usable_known;
	u64 page;
	unsigned int nr_pages;
	char *held;
	unsigned long callbacks[RESV_MAX_CALLBACKS];
	unsigned int nr_callbacks;
	bool no_callback;
	bool no_iommu;
	bool hooked;
	bool first;
	bool own_list;
	bool own_devices;
	bool own_device;
	bool checked;
};

int resv_facts_init(struct resv_facts *c, struct iommu_group *group, int id);
void resv_facts_free(struct resv_facts *c);
int resv_facts_name(struct resv_facts *c, const char *name);
int resv_facts_device(struct resv_facts *c, const char *name, u32 model);
int resv_facts_iommu(struct resv_facts *c, const char *name);
bool resv_facts_has_device(const struct resv_facts *c, const char *name);
int resv_facts_add(struct resv_facts *c, u32 name, u64 start, u64 end,
		   enum resv_type type, enum resv_origin origin, u8 flags);
bool resv_facts_explain(struct resv_facts *c, u32 name, u64 start, u64 end,
			u32 typemask, enum resv_origin origin);
void resv_facts_mark(struct resv_facts *c, u64 start, u64 end, u32 typemask,
		     u8 flags);
int resv_facts_claim(struct resv_facts *c, u32 name, u64 start, u64 end,
		     enum resv_type type, enum resv_origin origin);
int resv_facts_advise(struct resv_facts *c, u32 name, u64 start, u64 end,
		      enum resv_type type, enum resv_origin origin);
bool resv_facts_is_listed(const struct resv_region *r);
bool resv_facts_is_hole(const struct resv_region *r);
bool resv_facts_is_bar(const struct resv_region *r);
int resv_facts_finish(struct resv_facts *c);
bool resv_facts_soft_window(const struct resv_facts *c,
			    struct resv_range *window);
int resv_facts_move_window(struct resv_facts *c,
			   const struct resv_region *to);

static inline const char *resv_facts_name_at(const struct resv_facts *c,
					     u32 name)
{
	return c->names + name;
}

#endif /* RESV_SOURCE_FACTS_H */
