// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: bin_attribute callbacks take a plain struct bin_attribute.
 * Upstream: up to v6.16; seen in 6.12.
 */
#include <linux/sysfs.h>
#include "probe.h"

static ssize_t probe_read(struct file *file, struct kobject *kobj,
			  struct bin_attribute *attr, char *buf,
			  loff_t off, size_t count)
{
	return 0;
}

PROBE(void, probe_bin_attr_plain, (struct bin_attribute *attr))
{
	attr->read = probe_read;
}
