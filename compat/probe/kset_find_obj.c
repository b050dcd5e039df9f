// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: kset_find_obj() is exported.
 * Upstream: absent 4.4.155, seen 4.9.154.
 */
#include <linux/kobject.h>
#include "probe.h"

PROBE(struct kobject *, probe_kset_find_obj, (struct kset *kset))
{
	return kset_find_obj(kset, "0");
}
