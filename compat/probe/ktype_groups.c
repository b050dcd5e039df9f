// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the type of a kobject has its default files in groups.
 * Upstream: "kobject: Add support for default attribute groups to kobj_type", v5.2.
 */
#include <linux/kobject.h>
#include "probe.h"

PROBE(const void *, probe_ktype_groups, (const struct kobj_type *type))
{
	const struct attribute_group *const *groups = type->default_groups;

	return groups;
}
