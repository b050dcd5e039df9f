/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds why VFIO did not open a device by the file of its group. */
#ifndef RESV_FEATURE_CHECK_DEVICE_H
#define RESV_FEATURE_CHECK_DEVICE_H

#include <linux/types.h>

struct file;

/**
 * struct resv_device_call - a call of vfio_group_fops_unl_ioctl() that opens a device
 * @file: first argument: the file of the group, which stays open during the call
 * @serial: resv_refused_serial() before the call
 */
struct resv_device_call {
	const struct file *file;
	u64 serial;
};

bool resv_device_begin(struct resv_device_call *call, const struct file *file,
		       unsigned int cmd);
void resv_device_end(const struct resv_device_call *call, int err);

#endif /* RESV_FEATURE_CHECK_DEVICE_H */
