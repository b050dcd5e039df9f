// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a callback of ftrace gets struct pt_regs.
 * Upstream: d19ad0775dcd ("ftrace: Have the callbacks receive a struct ftrace_regs
 * instead of pt_regs"), v5.11; since then struct ftrace_regs.
 */
#include <linux/ftrace.h>
#include "probe.h"

#ifndef CONFIG_DYNAMIC_FTRACE_WITH_REGS
#error "no registers"
#endif

PROBE(int, probe_ftrace_pt_regs, (struct ftrace_ops *ops,
				  void (*func)(unsigned long, unsigned long,
					       struct ftrace_ops *, struct pt_regs *)))
{
	ops->func = func;
	ops->flags = FTRACE_OPS_FL_SAVE_REGS;
	return ftrace_set_filter_ip(ops, 0, 0, 0) ?: register_ftrace_function(ops) ?:
	       unregister_ftrace_function(ops);
}
