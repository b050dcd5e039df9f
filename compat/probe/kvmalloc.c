// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: kvmalloc() and kvfree() exist.
 * Upstream: a7c3e901a46f ("mm: introduce kv[mz]alloc helpers"), v4.12.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "probe.h"

PROBE(void, probe_kvmalloc, (size_t size))
{
	kvfree(kvmalloc(size, GFP_KERNEL));
}
