/* SPDX-License-Identifier: GPL-2.0-only */
/* Files in the folder of each group. */
#ifndef RESV_SYSFS_GROUP_H
#define RESV_SYSFS_GROUP_H

int resv_sysfs_group_init(void);
void resv_sysfs_group_exit(void);

#endif /* RESV_SYSFS_GROUP_H */
