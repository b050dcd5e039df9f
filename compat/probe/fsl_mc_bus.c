// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the fsl-mc bus exists and is exported (arm64 Layerscape kernels).
 * Upstream: out of staging since v4.17; needs CONFIG_FSL_MC_BUS.
 */
#include <linux/device.h>
#include <linux/fsl/mc.h>
#include "probe.h"

PROBE(int, probe_fsl_mc_bus, (struct notifier_block *nb))
{
	return bus_register_notifier(&fsl_mc_bus_type, nb);
}
