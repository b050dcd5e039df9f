/* SPDX-License-Identifier: GPL-2.0-only */
/* What <linux/ftrace.h> offers. */
#ifndef RESV_COMPAT_FTRACE_H
#define RESV_COMPAT_FTRACE_H

#include <linux/ftrace.h>
#include "compat/compat.h"

/*
 * Own ftrace_ops can see the entry of a function with its registers, and a kretprobe can be
 * given them.  Not on arm64, where kprobes are never at a place of ftrace's.
 */
#if defined(CONFIG_X86_64) && defined(CONFIG_KRETPROBES) && \
	defined(CONFIG_KPROBES_ON_FTRACE) && defined(RESV_HAVE_FTRACE_PT_REGS)
#define COMPAT_HAS_FTRACE_HOOKS	1
#else
#define COMPAT_HAS_FTRACE_HOOKS	0
#endif

#ifdef RESV_HAVE_FTRACE_PERMANENT
/* "sysctl kernel.ftrace_enabled=0" is refused while such ops are registered. */
#define COMPAT_FTRACE_PERMANENT	FTRACE_OPS_FL_PERMANENT
#else
#define COMPAT_FTRACE_PERMANENT	0
#endif

/*
 * A kprobe at a place of ftrace's claims the right to redirect the function until
 * 0bc11ed5ab60 ("kprobes: Allow kprobes coexist with livepatch"), v5.4.  No header shows
 * that; kernels with the flag, which is of v5.5, have it.
 */
#define COMPAT_KPROBES_CLAIM	(!COMPAT_FTRACE_PERMANENT)

#endif /* RESV_COMPAT_FTRACE_H */
