/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts that the sources collect about one group. */
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

/* How the DMA of a device's own driver is translated. */
enum resv_dma {
	RESV_DMA_UNKNOWN,
	RESV_DMA_DIRECT,	/* no translation: the group has an identity domain */
	RESV_DMA_DOMAIN,	/* a domain from which the DMA API allocates IOVAs */
};

/* Different IOMMU drivers that can have devices in one group. */
#define RESV_MAX_CALLBACKS	4

/**
 * struct resv_facts - facts about one group
 * @group: the group, kept alive by the caller
 * @id: its number
 * @hw: cached measurements of the group's devices; set by the owner of the group's
 *	entry before the devices are collected
 * @device_hw: entry in @hw of the current device
 * @regions: one entry per fact and device; @name is an offset into @names
 * @names: device names, each ending in a zero; "-" at offset 0
 * @names_len: bytes used in @names
 * @devices: resv_facts_name() of each device of the group
 * @nr_devices: number of @devices
 * @models: resv_hw_model() of each device, in the same order
 * @nr_models: number of @models
 * @iommus: resv_facts_name() of each IOMMU that translates for a device of the group
 * @nr_iommus: number of @iommus
 * @iommu_asked: the source of @iommus was asked
 * @iommu_hidden: for some device the kernel does not report which IOMMU translates
 * @taken: the kernel's list of the group, which VFIO uses
 * @listed: the kernel has returned its list
 * @taken_known: the list is valid, so usable ranges can be computed
 * @aperture: what the IOMMU can address for this group
 * @aperture_known: @aperture is set
 * @claim_end: last address that is surely mapped in a domain that claims 57 bits
 *	although its IOMMU has fewer; 0 if the claim may be right, or no domain makes it
 * @isolation: can a device of this group forge interrupts of others?
 * @unguarded: VFIO needs, or may need, allow_unsafe_interrupts to open the group
 * @intr_remap: some device's IOMMU remaps interrupts (kernels before v6.3)
 * @window: the movable MSI window, if @window_known
 * @window_known: the group has a movable MSI window
 * @window_asked: @window_known is valid
 * @window_by: who placed the window
 * @in_use: VFIO or another user with its own domain owns the group
 * @attached: domain that this user has attached, or NULL; only compared
 * @movable: the hooks that can move the window work
 * @bridges: windows of the host bridges above the devices, which are reported only
 *	where they catch a device's DMA (see source/pci.c)
 * @nr_dma: number of devices whose translation @dma combines
 * @dma: how the DMA of all these devices is translated
 * @gaps: addresses to which a host bridge above the devices does not forward DMA
 * @msi32: resv_facts_name() of a device that can send messages only to 32-bit
 *	addresses, or 0
 * @usable: @aperture without @taken, if @usable_known
 * @usable_known: set by resv_facts_finish()
 * @page: smallest page that the IOMMU maps, in bytes
 * @nr_pages: number of devices whose page is known
 * @held: lines of the file "assignable" about devices when the group was looked at, or
 *	NULL
 * @callbacks: the drivers' functions that list a device's regions, each once
 * @nr_callbacks: number of @callbacks
 * @no_callback: some device's driver has no such function
 * @no_iommu: some device has no IOMMU
 * @hooked: regions declared for the group will be enforced
 * @first: the group is looked at for the first time: log what is wrong, which later walks
 *	do not
 * @own_list: the kernel has no list of the group, so the sources make it
 * @own_devices: the kernel has no lists of single devices, so the sources make them
 * @own_device: the sources make the list of the current device, for which an IOMMU
 *	translates
 * @checked: VFIO or this module refuses maps that overlap a region of the list
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
