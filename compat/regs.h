/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of a function, at its entry, from the saved registers. */
#ifndef RESV_COMPAT_REGS_H
#define RESV_COMPAT_REGS_H

#include <linux/ptrace.h>

/**
 * compat_argument() - one of the first two arguments of a probed function
 * @regs: registers at the function's entry
 * @n: 0 or 1
 *
 * By the calling conventions of the two architectures: System V AMD64 ABI
 * section 3.2.3, AAPCS64 section 6.8.2.  regs_get_kernel_argument() came with
 * v4.20 and is missing on arm64 until v5.2.
 */
static inline unsigned long compat_argument(const struct pt_regs *regs,
					    unsigned int n)
{
#if defined(CONFIG_X86_64)
	return n ? regs->si : regs->di;
#elif defined(CONFIG_ARM64)
	return regs->regs[n];
#else
#error "only x86_64 and arm64"
#endif
}

#endif /* RESV_COMPAT_REGS_H */
