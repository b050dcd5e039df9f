/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry of live IOMMU groups. */
#ifndef RESV_GROUP_H
#define RESV_GROUP_H

#include <linux/types.h>

struct kobject;
struct resv_snapshot;

int resv_groups_init(void);
void resv_groups_exit(void);
unsigned int resv_groups_count(size_t *bytes);
struct resv_snapshot *resv_group_snapshot(struct kobject *kobj);

#endif /* RESV_GROUP_H */
