// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: attribute_group.bin_attrs is an array of pointers to const.
 * Upstream: v6.17, end of the constification; seen in 7.3.
 */
#include <linux/sysfs.h>
#include "probe.h"

PROBE(void, probe_bin_attrs_const, (struct attribute_group *group,
				    const struct bin_attribute *const *attrs))
{
	group->bin_attrs = attrs;
}
