/* SPDX-License-Identifier: GPL-2.0-only */
/* What users see: the files, and the texts in them. */
#ifndef RESV_REPORT_H
#define RESV_REPORT_H

#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/rcupdate.h>
#include <linux/sysfs.h>
#include "facts.h"

/* In the folder of each group. */
#define RESV_FOLDER	"resv"

/**
 * struct resv_snapshot - what is known about a group at one moment, unchanging
 * @ref: the registry has one, each reader another for as long as it copies
 * @rcu: for freeing after the last reader has looked at the pointer
 * @aperture: what the IOMMU can address, if @aperture_known
 * @aperture_known: else aperture says ENODATA
 * @usable_known: else usable says ENODATA
 * @list_known: else the third text says ENODATA
 * @isolation: of MSIs
 * @window: movable MSI window, if @window_known
 * @window_known: the group has one
 * @window_asked: else msi_window says ENODATA
 * @window_by: who placed it
 * @regions_len: bytes of the first text
 * @usable_len: bytes of the second text
 * @list_len: bytes of the third text, which is the kernel's file where the kernel
 *	has none
 * @text: the texts
 *
 * Only report.c looks inside; RCU of kernels before v4.14 wants to see it.
 */
struct resv_snapshot {
	struct kref ref;
	struct rcu_head rcu;
	struct resv_range aperture;
	struct resv_range window;
	enum resv_isolation isolation;
	enum resv_window_by window_by;
	bool aperture_known;
	bool usable_known;
	bool list_known;
	bool window_known;
	bool window_asked;
	size_t regions_len;
	size_t usable_len;
	size_t list_len;
	char text[];
};

struct resv_snapshot *resv_snapshot_make(const struct resv_facts *c);
bool resv_snapshot_get(struct resv_snapshot *snapshot);
void resv_snapshot_put(struct resv_snapshot *snapshot);
bool resv_snapshot_equal(const struct resv_snapshot *a,
			 const struct resv_snapshot *b);
size_t resv_snapshot_bytes(const struct resv_snapshot *snapshot);
void resv_snapshots_flush(void);

int resv_report_add_group(struct kobject *kobj);
void resv_report_remove_group(struct kobject *kobj);
int resv_report_init(void);
void resv_report_exit(void);

#endif /* RESV_REPORT_H */
