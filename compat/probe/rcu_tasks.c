// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: a module can wait until every task has scheduled voluntarily.
 * Upstream: 8315f42295d2 ("rcu: Add call_rcu_tasks()"), v3.18.  Without CONFIG_TASKS_RCU it
 * exists only since about v4.20, and waits for an ordinary grace period.
 */
#include <linux/rcupdate.h>
#include "probe.h"

PROBE(void, probe_rcu_tasks, (void))
{
	synchronize_rcu_tasks();
}
