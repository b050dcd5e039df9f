// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: get_kretprobe() returns the kretprobe that a call belongs to.
 * Upstream: d741bf41d7c7 ("kprobes: Remove kretprobe hash"), v5.11; before,
 * ri->rp is a plain member.
 */
#include <linux/kprobes.h>
#include "probe.h"

PROBE(struct kretprobe *, probe_get_kretprobe, (struct kretprobe_instance *ri))
{
	return get_kretprobe(ri);
}
