/* SPDX-License-Identifier: GPL-2.0-only */
/* What <linux/ftrace.h> offers. */
#ifndef RESV_COMPAT_FTRACE_H
#define RESV_COMPAT_FTRACE_H

#include <linux/ftrace.h>
#include "compat/compat.h"

/*
 * Own ftrace_ops get the registers at the entry of a function, and can pass them to a
 * kretprobe.  Not needed on arm64, where kprobes never use ftrace.
 */
#if defined(CONFIG_X86_64) && defined(CONFIG_KRETPROBES) && \
	defined(CONFIG_KPROBES_ON_FTRACE) && defined(RESV_HAVE_FTRACE_PT_REGS)
#define COMPAT_HAS_FTRACE_HOOKS	1
#else
#define COMPAT_HAS_FTRACE_HOOKS	0
#endif

#ifdef RESV_HAVE_FTRACE_PERMANENT
/* The kernel refuses "sysctl kernel.ftrace_enabled=0" while such ops are registered. */
#define COMPAT_FTRACE_PERMANENT	FTRACE_OPS_FL_PERMANENT
#else
#define COMPAT_FTRACE_PERMANENT	0
#endif

/*
 * Until 0bc11ed5ab60 ("kprobes: Allow kprobes coexist with livepatch"), v5.4, a kprobe
 * that uses ftrace claims the right to redirect the function.  No header shows that
 * commit; kernels with the flag FTRACE_OPS_FL_PERMANENT, which came with v5.5, have it.
 */
#define COMPAT_KPROBES_CLAIM	(!COMPAT_FTRACE_PERMANENT)

#endif /* RESV_COMPAT_FTRACE_H */
