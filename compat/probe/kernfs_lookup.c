// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: modules may look up a sysfs node by name.
 * Upstream: kernfs_find_and_get_ns() exported since v3.14; seen up to 7.3.
 */
#include <linux/kernfs.h>
#include "probe.h"

PROBE(void *, probe_kernfs_lookup, (struct kernfs_node *parent))
{
	struct kernfs_node *kn = kernfs_find_and_get(parent, "iommu_groups");
	void *priv = kn ? kn->priv : NULL;

	kernfs_put(kn);
	return priv;
}
