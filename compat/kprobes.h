/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/kprobes.h>. */
#ifndef RESV_COMPAT_KPROBES_H
#define RESV_COMPAT_KPROBES_H

#include <linux/kprobes.h>
#include "compat/compat.h"

#ifdef CONFIG_KRETPROBES
/**
 * compat_get_kretprobe() - get the kretprobe that a call belongs to
 * @ri: the call
 *
 * Context: in a handler.
 * Return: the kretprobe, or NULL while it is being unregistered
 */
static inline struct kretprobe *
compat_get_kretprobe(struct kretprobe_instance *ri)
{
#ifdef RESV_HAVE_GET_KRETPROBE
	return get_kretprobe(ri);
#else
	return ri->rp;
#endif
}
#endif

#endif /* RESV_COMPAT_KPROBES_H */
