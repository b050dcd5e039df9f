// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: bin_attribute callbacks take a const struct bin_attribute.
 * Upstream: the constification of v6.13 to v6.17; seen in 7.3.
 */
#include <linux/sysfs.h>
#include "probe.h"

static ssize_t probe_read(struct file *file, struct kobject *kobj,
			  const struct bin_attribute *attr, char *buf,
			  loff_t off, size_t count)
{
	return 0;
}

PROBE(void, probe_bin_attr_const, (struct bin_attribute *attr))
{
	attr->read = probe_read;
}
