/* SPDX-License-Identifier: GPL-2.0-only */
/* The texts that readers of a group's files get. */
#ifndef RESV_GROUP_SNAPSHOT_H
#define RESV_GROUP_SNAPSHOT_H

#include <linux/kref.h>
#include <linux/rcupdate.h>
#include "source/facts.h"

/* The texts of a snapshot, in their order. */
enum resv_snapshot_text {
	RESV_TEXT_REGIONS,
	RESV_TEXT_USABLE,
	RESV_TEXT_LIST,		/* reserved_regions, where the kernel has no such file */
	RESV_TEXT_IOMMU,
	RESV_TEXT_BARS,		/* lines of "assignable" about regions */
	RESV_TEXT_HELD,		/* lines about devices, when last looked at */
	RESV_NR_TEXTS
};

/**
 * struct resv_snapshot - facts about a group at one moment; never changes
 * @rcu: for freeing after the last reader of the pointer
 * @aperture: what the IOMMU can address, if @aperture_known
 * @window: movable MSI window, if @window_known
 * @page: smallest map that VFIO accepts, in bytes, or 0 if that is not known
 * @claim_end: see struct resv_facts
 * @ref: the registry has one, each reader another for as long as it copies
 * @isolation: enum resv_isolation
 * @window_by: enum resv_window_by: who placed the window
 * @dma: enum resv_dma: how the host's own DMA is translated, as last known
 * @dma_asked: if false, reading dma_api fails with ENODATA
 * @listed: the kernel was asked for its list
 * @aperture_known: if false, reading aperture fails with ENODATA
 * @usable_known: if false, reading usable fails with ENODATA
 * @list_known: if false, reading RESV_TEXT_LIST fails with ENODATA
 * @iommu_known: if false, reading RESV_TEXT_IOMMU fails with ENODATA
 * @bars_known: RESV_TEXT_BARS is complete
 * @unguarded: VFIO may need allow_unsafe_interrupts
 * @window_known: the group has a movable window
 * @window_asked: if false, reading msi_window fails with ENODATA
 * @len: bytes of each text
 * @text: the texts
 */
struct resv_snapshot {
	struct rcu_head rcu;
	struct resv_range aperture;
	struct resv_range window;
	u64 page;
	u64 claim_end;
	struct kref ref;
	u8 isolation;
	u8 window_by;
	u8 dma;
	bool dma_asked;
	bool listed;
	bool aperture_known;
	bool usable_known;
	bool list_known;
	bool iommu_known;
	bool bars_known;
	bool unguarded;
	bool window_known;
	bool window_asked;
	u32 len[RESV_NR_TEXTS];
	char text[];
};

struct resv_snapshot *resv_snapshot_make(const struct resv_facts *c);
bool resv_snapshot_get(struct resv_snapshot *snapshot);
void resv_snapshot_put(struct resv_snapshot *snapshot);
const char *resv_snapshot_text(const struct resv_snapshot *snapshot,
			       enum resv_snapshot_text which, size_t *len);
bool resv_snapshot_hole(const struct resv_snapshot *snapshot,
			const struct resv_range *at, u32 types,
			struct resv_region *region, char *device, size_t size);
bool resv_snapshot_region(const char **p, const char *end,
			  struct resv_region *region, const char **device,
			  size_t *device_len);
bool resv_snapshot_equal(const struct resv_snapshot *a,
			 const struct resv_snapshot *b);
size_t resv_snapshot_bytes(const struct resv_snapshot *snapshot);
void resv_snapshots_flush(void);

#endif /* RESV_GROUP_SNAPSHOT_H */
