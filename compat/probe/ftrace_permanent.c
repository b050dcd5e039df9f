// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: ftrace_ops can prevent users from turning off ftrace.
 * Upstream: 7162431dcf72 ("ftrace: Introduce PERMANENT ftrace_ops flag"), v5.5.
 */
#include <linux/ftrace.h>
#include "probe.h"

PROBE(unsigned long, probe_ftrace_permanent, (void))
{
	return FTRACE_OPS_FL_PERMANENT;
}
