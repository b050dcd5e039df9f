/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the module: /sys/kernel/iommu_resv/. */
#ifndef RESV_SYSFS_MODULE_H
#define RESV_SYSFS_MODULE_H

int resv_sysfs_module_init(void);
void resv_sysfs_module_exit(void);

#endif /* RESV_SYSFS_MODULE_H */
