/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/kref.h>. */
#ifndef RESV_COMPAT_KREF_H
#define RESV_COMPAT_KREF_H

#include <linux/kref.h>
#include "compat/compat.h"

/* Get the current number of references. */
static inline unsigned int compat_kref_read(const struct kref *kref)
{
#ifdef RESV_HAVE_KREF_READ
	return kref_read(kref);
#else
	return atomic_read(&kref->refcount);
#endif
}

#endif /* RESV_COMPAT_KREF_H */
