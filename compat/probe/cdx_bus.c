// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: the bus of AMD's CDX devices exists and is exported (Versal on arm64).
 * Upstream: since v6.4; needs CONFIG_CDX_BUS.
 */
#include <linux/device.h>
#include <linux/cdx/cdx_bus.h>
#include "probe.h"

PROBE(int, probe_cdx_bus, (struct notifier_block *nb))
{
	return bus_register_notifier(&cdx_bus_type, nb);
}
