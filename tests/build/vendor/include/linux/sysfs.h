/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VENDOR_SYSFS_H
#define VENDOR_SYSFS_H

#include <linux/types.h>

struct file;
struct kobject;

struct bin_attribute {
	size_t size;
	ssize_t (*read)(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			char *buf, loff_t off, size_t count);
};

#endif /* VENDOR_SYSFS_H */
