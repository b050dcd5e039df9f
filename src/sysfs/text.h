/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts longer than a page, in files of sysfs. */
#ifndef RESV_SYSFS_TEXT_H
#define RESV_SYSFS_TEXT_H

#include <linux/types.h>

struct file;

ssize_t resv_sysfs_read_text(struct file *file, char *buf, loff_t off,
			     size_t count,
			     char *(*make)(void *ctx, size_t *len), void *ctx);
char *resv_sysfs_copy_text(const char *text, size_t len);

#endif /* RESV_SYSFS_TEXT_H */
