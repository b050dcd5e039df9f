// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: sysfs_create_group() makes a named folder in a kobject it does not own.
 * Upstream: every version from 4.4 to 7.3.
 */
#include <linux/sysfs.h>
#include "probe.h"

PROBE(int, probe_sysfs_group, (struct kobject *kobj, const struct attribute_group *group))
{
	sysfs_remove_group(kobj, group);
	return sysfs_create_group(kobj, group);
}
