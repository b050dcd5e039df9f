// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the type of a kobject has its default files in groups.
 * Upstream: "kobject: Add support for default attribute groups to kobj_type", v5.2.
 */
#include <linux/kobject.h>
#include "probe.h"

PROBE(const struct attribute_group **, probe_ktype_groups,
      (struct kobj_type *type))
{
	return (const struct attribute_group **)type->default_groups;
}
