// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: device.bus_dma_mask has the address bits that the buses above the device forward
 * of its DMA, or 0.
 * Upstream: f07d141fe943 ("dma-mapping: Generalise dma_32bit_limit flag"), v4.19; gone
 * in v5.5, see bus_dma_limit.c.
 */
#include <linux/device.h>
#include "probe.h"

PROBE(u64, probe_bus_dma_mask, (struct device *dev))
{
	u64 *mask = &dev->bus_dma_mask;

	return *mask;
}
