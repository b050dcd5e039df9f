// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a module can wait until every task has scheduled voluntarily.
 * Upstream: 8315f42295d2 ("rcu: Add call_rcu_tasks()"), v3.18; without CONFIG_TASKS_RCU only
 * since v4.20 or so, and the same as other grace periods.
 */
#include <linux/rcupdate.h>
#include "probe.h"

PROBE(void, probe_rcu_tasks, (void))
{
	synchronize_rcu_tasks();
}
