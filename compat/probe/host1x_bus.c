// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the bus of host1x memory contexts exists and is exported (Tegra on arm64).
 * Upstream: since v6.0, exported since then; seen 6.1, 6.12.  Needs
 * CONFIG_TEGRA_HOST1X_CONTEXT_BUS.
 */
#include <linux/device.h>
#include <linux/host1x_context_bus.h>
#include "probe.h"

PROBE(int, probe_host1x_bus, (struct notifier_block *nb))
{
	return bus_register_notifier(&host1x_context_device_bus_type, nb);
}
