/* SPDX-License-Identifier: GPL-2.0-only */
/* Shims for <linux/uaccess.h>. */
#ifndef RESV_COMPAT_UACCESS_H
#define RESV_COMPAT_UACCESS_H

#include <linux/types.h>
#include <linux/uaccess.h>
#include "compat/compat.h"

static inline bool compat_access_ok(const void __user *to, size_t len)
{
#ifdef RESV_HAVE_ACCESS_OK_TYPE
	return access_ok(VERIFY_WRITE, to, len);
#else
	return access_ok(to, len);
#endif
}

/**
 * compat_copy_to_user_nofault() - write to a process where no fault can be served
 * @to: memory of the current process
 * @from: bytes
 * @len: how many
 *
 * Context: any, in a task.
 * Return: it was written; else the memory is not there now, or not writable
 */
static inline bool compat_copy_to_user_nofault(void __user *to, const void *from,
					       size_t len)
{
	unsigned long left;

	/* Before anything else: access_ok() may ask whether faults are served. */
	pagefault_disable();
	left = compat_access_ok(to, len) ?
	       __copy_to_user_inatomic(to, from, len) : len;
	pagefault_enable();
	return !left;
}

/**
 * compat_copy_from_user_nofault() - the opposite
 * @to: where to
 * @from: memory of the current process
 * @len: how many bytes
 *
 * Context: any, in a task.
 * Return: it was read
 */
static inline bool compat_copy_from_user_nofault(void *to,
						 const void __user *from,
						 size_t len)
{
	unsigned long left;

	pagefault_disable();
	left = compat_access_ok(from, len) ?
	       __copy_from_user_inatomic(to, from, len) : len;
	pagefault_enable();
	return !left;
}

#endif /* RESV_COMPAT_UACCESS_H */
