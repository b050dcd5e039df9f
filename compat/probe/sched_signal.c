// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: declarations about signals have their own header.
 * Upstream: c3edc4010e9d ("sched/headers: Move task_struct::signal and
 * task_struct::sighand types and accessors into <linux/sched/signal.h>"), v4.11.
 */
#include <linux/sched/signal.h>
#include "probe.h"

PROBE(int, probe_sched_signal, (void))
{
	return restart_syscall();
}
