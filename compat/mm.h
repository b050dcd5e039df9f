/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/mm.h> and <linux/slab.h>. */
#ifndef RESV_COMPAT_MM_H
#define RESV_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "compat/compat.h"

/* Charge the memory to the reader, which decides how many files are open; since v4.5. */
#ifdef GFP_KERNEL_ACCOUNT
#define COMPAT_ACCOUNTED	GFP_KERNEL_ACCOUNT
#else
#define COMPAT_ACCOUNTED	GFP_KERNEL
#endif

/**
 * compat_kvmalloc() - allocate memory for a text of any length
 * @size: bytes
 *
 * Context: may sleep.
 * Return: memory for kvfree(), or NULL
 */
static inline void *compat_kvmalloc(size_t size)
{
#ifdef RESV_HAVE_KVMALLOC
	return kvmalloc(size, COMPAT_ACCOUNTED);
#else
	return size <= PAGE_SIZE ? kmalloc(size, COMPAT_ACCOUNTED) :
				   vmalloc(size);
#endif
}

#endif /* RESV_COMPAT_MM_H */
