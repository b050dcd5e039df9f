/* SPDX-License-Identifier: GPL-2.0-only */
/* What users see: the files, and the texts in them. */
#ifndef RESV_REPORT_H
#define RESV_REPORT_H

#include <linux/sysfs.h>
#include "collect.h"

/* In the folder of each group. */
#define RESV_FOLDER	"resv"

struct resv_snapshot;

extern const struct attribute_group resv_group_attrs;

struct resv_snapshot *resv_snapshot_make(const struct resv_collect *c);
bool resv_snapshot_get(struct resv_snapshot *snapshot);
void resv_snapshot_put(struct resv_snapshot *snapshot);
bool resv_snapshot_equal(const struct resv_snapshot *a,
			 const struct resv_snapshot *b);
size_t resv_snapshot_bytes(const struct resv_snapshot *snapshot);
void resv_snapshots_flush(void);

int resv_report_init(void);
void resv_report_exit(void);

#endif /* RESV_REPORT_H */
