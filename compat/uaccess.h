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
 * compat_copy_to_user_nofault() - write to user memory without handling page faults
 * @to: memory of the current process
 * @from: bytes to write
 * @len: number of bytes
 *
 * Context: any, in a task.
 * Return: true if the bytes were written; false if the memory is not present or not
 * writable
 */
static inline bool compat_copy_to_user_nofault(void __user *to, const void *from,
					       size_t len)
{
	unsigned long left;

	/* Do this first: access_ok() may check whether page faults are disabled. */
	pagefault_disable();
	left = compat_access_ok(to, len) ?
	       __copy_to_user_inatomic(to, from, len) : len;
	pagefault_enable();
	return !left;
}

/**
 * compat_copy_from_user_nofault() - read user memory without handling page faults
 * @to: where to store the bytes
 * @from: memory of the current process
 * @len: number of bytes
 *
 * Context: any, in a task.
 * Return: true if the bytes were read
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
