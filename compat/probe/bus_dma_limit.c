// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fact: device.bus_dma_limit is the last address to which the buses above the device
 * forward its DMA, or 0.
 * Upstream: a7ba70f1787f ("dma-mapping: treat dev->bus_dma_mask as a DMA limit"), v5.5;
 * before, see bus_dma_mask.c.
 */
#include <linux/device.h>
#include "probe.h"

PROBE(u64, probe_bus_dma_limit, (struct device *dev))
{
	u64 *limit = &dev->bus_dma_limit;

	return *limit;
}
