// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: klp_enable_patch() registers and enables a patch, whose functions are given
 * by name.
 * Upstream: "livepatch: Simplify API by removing registration step", v5.1.
 * The patch structure shows it: since then it has the flag "enabled" and a list of
 * objects.  Absent if CONFIG_LIVEPATCH is off.
 */
#include <linux/livepatch.h>
#include "probe.h"

PROBE(int, probe_klp_enable, (struct klp_patch *patch))
{
	INIT_LIST_HEAD(&patch->obj_list);
	return klp_enable_patch(patch);
}
