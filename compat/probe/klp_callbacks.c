// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the kernel calls a livepatch back when its transition ends.
 * Upstream: "livepatch: add (un)patch callbacks", v4.15.
 */
#include <linux/livepatch.h>
#include "probe.h"

PROBE(void, probe_klp_callbacks, (struct klp_object *object,
				  void (*done)(struct klp_object *object)))
{
	object->callbacks.post_patch = done;
	object->callbacks.post_unpatch = done;
}
