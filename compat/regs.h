/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments and result of a function, in the saved registers. */
#ifndef RESV_COMPAT_REGS_H
#define RESV_COMPAT_REGS_H

#include <linux/ptrace.h>

/*
 * According to the calling conventions of the two architectures: System V AMD64
 * ABI section 3.2.3, AAPCS64 section 6.8.2.  The kernel's
 * regs_get_kernel_argument() exists since v4.20, on arm64 since v5.2; there is no
 * function that sets an argument.
 */
static inline unsigned long *compat_argument_slot(struct pt_regs *regs,
						  unsigned int n)
{
#if defined(CONFIG_X86_64)
	switch (n) {
	case 0:
		return &regs->di;
	case 1:
		return &regs->si;
	case 2:
		return &regs->dx;
	case 3:
		return &regs->cx;
	case 4:
		return &regs->r8;
	default:
		return &regs->r9;
	}
#elif defined(CONFIG_ARM64)
	return (unsigned long *)&regs->regs[n];
#else
#error "only x86_64 and arm64"
#endif
}

/**
 * compat_argument() - get one of the first six arguments of a probed function
 * @regs: registers at the function's entry
 * @n: 0 to 5
 *
 * Return: the argument
 */
static inline unsigned long compat_argument(struct pt_regs *regs,
					    unsigned int n)
{
	return *compat_argument_slot(regs, n);
}

/**
 * compat_argument_set() - change an argument of a probed function
 * @regs: registers at the function's entry
 * @n: 0 to 5
 * @value: the new argument
 *
 * Every kind of kprobe gives these registers to the function, as long as the
 * handler returns 0.
 */
static inline void compat_argument_set(struct pt_regs *regs, unsigned int n,
				       unsigned long value)
{
	*compat_argument_slot(regs, n) = value;
}

/**
 * compat_return_address() - get the return address of a probed function
 * @regs: registers at the function's entry
 *
 * Return: the address; or that of a trampoline if a tracer has put one there
 */
static inline unsigned long compat_return_address(const struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	return *(unsigned long *)regs->sp;
#else
	return regs->regs[30];
#endif
}

/**
 * compat_result() - get the result of a probed function that returns an int
 * @regs: registers when it returns
 *
 * Return: the result
 */
static inline int compat_result(const struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	return (int)regs->ax;
#else
	return (int)regs->regs[0];
#endif
}

/**
 * compat_result_pointer() - get the result of a probed function that returns a pointer
 * @regs: registers when it returns
 *
 * Return: the result
 */
static inline void *compat_result_pointer(const struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	return (void *)regs->ax;
#else
	return (void *)regs->regs[0];
#endif
}

/**
 * compat_result_set() - change the result of a probed function
 * @regs: registers when the function returns
 * @value: the new result
 */
static inline void compat_result_set(struct pt_regs *regs, int value)
{
#ifdef CONFIG_X86_64
	regs->ax = (long)value;
#else
	regs->regs[0] = (long)value;
#endif
}

#endif /* RESV_COMPAT_REGS_H */
