// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the AMBA bus exists and is exported (arm64).
 * Upstream: every version from 4.4 to 7.3; needs CONFIG_ARM_AMBA.
 */
#include <linux/amba/bus.h>
#include <linux/device.h>
#include "probe.h"

PROBE(int, probe_amba_bus, (struct notifier_block *nb))
{
	return bus_register_notifier(&amba_bustype, nb);
}
