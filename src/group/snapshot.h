/* SPDX-License-Identifier: GPL-2.0-only */
/* What readers of a group's files get. */
#ifndef RESV_GROUP_SNAPSHOT_H
#define RESV_GROUP_SNAPSHOT_H

#include <linux/kref.h>
#include <linux/rcupdate.h>
#include "source/facts.h"

/**
 * struct resv_snapshot - what is known about a group at one moment, unchanging
 * @rcu: for freeing after the last reader has looked at the pointer
 * @aperture: what the IOMMU can address, if @aperture_known
 * @window: movable MSI window, if @window_known
 * @ref: the registry has one, each reader another for as long as it copies
 * @isolation: enum resv_isolation
 * @window_by: enum resv_window_by: who placed the window
 * @aperture_known: else aperture says ENODATA
 * @usable_known: else usable says ENODATA
 * @list_known: else the third text says ENODATA
 * @window_known: the group has a movable window
 * @window_asked: else msi_window says ENODATA
 * @regions_len: bytes of the first text
 * @usable_len: bytes of the second text
 * @list_len: bytes of the third text, which is the kernel's file where the kernel
 *	has none
 * @text: the texts
 */
struct resv_snapshot {
	struct rcu_head rcu;
	struct resv_range aperture;
	struct resv_range window;
	struct kref ref;
	u8 isolation;
	u8 window_by;
	bool aperture_known;
	bool usable_known;
	bool list_known;
	bool window_known;
	bool window_asked;
	u32 regions_len;
	u32 usable_len;
	u32 list_len;
	char text[];
};

struct resv_snapshot *resv_snapshot_make(const struct resv_facts *c);
bool resv_snapshot_get(struct resv_snapshot *snapshot);
void resv_snapshot_put(struct resv_snapshot *snapshot);
bool resv_snapshot_equal(const struct resv_snapshot *a,
			 const struct resv_snapshot *b);
size_t resv_snapshot_bytes(const struct resv_snapshot *snapshot);
void resv_snapshots_flush(void);

#endif /* RESV_GROUP_SNAPSHOT_H */
