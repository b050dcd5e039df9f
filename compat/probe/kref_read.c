// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: kref_read() exists.
 * Upstream: 2c935bc57221 ("locking/atomic, kref: Add kref_read()"), v4.11.
 */
#include <linux/kref.h>
#include "probe.h"

PROBE(unsigned int, probe_kref_read, (const struct kref *kref))
{
	return kref_read(kref);
}
